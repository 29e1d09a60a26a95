"""The package itself: its public names, and that importing it is cheap."""

import inspect
import subprocess
import sys

import pytest

import plumecast

PROMISED = {
    "open_run",
    "open_forecast",
    "find_runs",
    "load_checkpoint",
    "ensemble_forecast",
    "open_archive",
    "open_scores",
    "verification",
    "systems",
    "datasets",
}


def test_names_are_listed_and_found() -> None:
    assert set(plumecast.__all__) >= PROMISED
    assert set(dir(plumecast)) >= PROMISED
    assert sorted(plumecast._MODULES) == sorted(plumecast.__all__)
    for name in plumecast.__all__:
        assert getattr(plumecast, name) is not None


@pytest.mark.parametrize("name", sorted(PROMISED - {"verification", "systems", "datasets"}))
def test_help_is_enough(name: str) -> None:
    text = inspect.getdoc(getattr(plumecast, name))
    assert text is not None
    assert "Args:" in text
    assert "Returns:" in text
    described = text.split("Args:")[1]
    for parameter in inspect.signature(getattr(plumecast, name)).parameters:
        assert f"{parameter}:" in described


def test_unknown_names_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_runs'"):
        _ = plumecast.open_runs


def test_importing_it_imports_xarray_alone() -> None:
    code = (
        "import sys, xarray\n"
        "before = set(sys.modules)\n"
        "import plumecast\n"
        "print(*sorted(set(sys.modules) - before))\n"
        "for name in plumecast.__all__: getattr(plumecast, name)\n"
        "assert not {'torch', 'prefect'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["plumecast", "plumecast.accessor"]
