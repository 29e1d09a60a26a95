"""Parts that a base installation lacks are named."""

import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from pipelines.terminal.parts import PARTS, is_installed, missing_part, require


@pytest.fixture
def _no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.usefixtures("_no_torch")
def test_a_missing_module_is_reported_with_its_extra() -> None:
    assert not is_installed("torch")
    with pytest.raises(ModuleNotFoundError) as caught:
        require("torch")
    expected = "expected PyTorch, found none; install it with: pip install 'plumecast[model]'"
    assert missing_part(caught.value) == expected
    assert missing_part(ModuleNotFoundError(name="torch.nn")) == expected


def test_other_import_errors_are_not_a_missing_part() -> None:
    require("torch")
    assert missing_part(ModuleNotFoundError(name="torch._gone")) is None
    assert missing_part(ModuleNotFoundError(name="conjured")) is None
    assert missing_part(ModuleNotFoundError()) is None


def test_every_module_of_a_part_is_in_its_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras, distributions = project["optional-dependencies"], packages_distributions()
    for part in PARTS:
        asked = " ".join(extras[part.extra]).lower()
        for name in distributions.get(part.modules[0], [part.modules[0]]):
            assert name.lower() in asked, part
