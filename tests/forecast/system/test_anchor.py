"""Contradictory anchor settings are refused, and anchors of the same form are interchangeable."""

import pytest

from forecast.system.anchor import AnchorSettings


def test_it_cannot_fade_over_more_degrees_than_it_has():
    for settings, message in (
        ({"kind": "linear", "space": "harmonics", "truncation": 3, "fading": 4}, "at most the truncation 3, found 4"),
        ({"kind": "linear", "space": "eofs", "fading": 1}, "0 without a linear anchor in harmonics, found 1"),
    ):
        with pytest.raises(ValueError, match=message):
            AnchorSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({"eofs": 5}, False),
        ({"truncation": 5}, True),
        ({"space": "harmonics"}, False),
        ({"kind": "persistence"}, False),
        ({"cross_fitted": True}, True),
    ],
)
def test_the_form_is_what_the_fitted_numbers_depend_on(changes, alike):
    linear = AnchorSettings(kind="linear", eofs=10)
    assert (linear.changed(**changes).form() == linear.form()) is alike


def test_the_form_of_harmonics_is_their_truncation_and_taper():
    harmonic = AnchorSettings(kind="linear", space="harmonics", truncation=10)
    assert harmonic.changed(eofs=3).form() == harmonic.form()
    assert harmonic.changed(fading=2).form() != harmonic.form()
