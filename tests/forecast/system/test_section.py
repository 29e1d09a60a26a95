"""A changed section is checked like one from a file, and hashes leave out keys at the values of earlier releases."""

from typing import ClassVar

import pytest
from pydantic import ValidationError

from forecast.system.section import Positive, Section


class Inner(Section):
    width: Positive = 2
    added: ClassVar = {"width": 2}


class Outer(Section):
    inner: Inner = Inner()
    name: str = "a"


def test_a_change_makes_a_copy_and_leaves_the_rest():
    outer = Outer(inner=Inner(width=3))
    changed = outer.changed(name="b")
    assert (changed.name, changed.inner) == ("b", outer.inner)
    assert outer.name == "a"


def test_a_nested_section_is_given_whole():
    outer = Outer(inner=Inner(width=3), name="b")
    assert outer.changed(inner=outer.inner.changed(width=5)) == Outer(inner=Inner(width=5), name="b")
    assert outer.changed(inner={}) == Outer(name="b")


@pytest.mark.parametrize("changes", [{"width": 0}, {"width": "many"}, {"height": 1}])
def test_a_change_is_checked(changes):
    with pytest.raises(ValidationError):
        Inner().changed(**changes)
    with pytest.raises(ValidationError):
        Outer().changed(inner=changes)


def test_checks_across_keys_run_again(system):
    with pytest.raises(ValidationError, match="expected one of"):
        system.changed(state=system.state.changed(predictands=("t2m",)), products={"map_channels": ("z500",)})


def test_a_section_cannot_be_overwritten():
    with pytest.raises(ValidationError, match="frozen"):
        Inner().width = 3


def test_an_added_key_is_hashed_only_where_it_changes_something():
    assert Inner().hashed_values() == {}
    assert Inner(width=3).hashed_values() == {"width": 3}
