"""Simulated weather on demand: the same channels, grid and units as the bundled sample."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError
from data_catalog.sources.open_source import YEARLY_SOURCES, open_source
from data_catalog.sources.speedy.opening import open_speedy
from data_catalog.sources.speedy.process import PYTHON_VARIABLE
from tests.data_catalog.sources.speedy.stand_in import stand_in


def test_a_period_is_simulated_and_opened_like_the_bundled_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, str(stand_in(tmp_path / "python")))
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    entry, bundled = dataset("speedy-5p6-more"), dataset("speedy-5p6")
    found = open_source(entry, start=date(1990, 1, 3), end=date(1990, 1, 9))
    sample = open_source(bundled, start=date(2008, 1, 3), end=date(2008, 1, 4))
    assert list(found.data_vars) == list(sample.data_vars)
    for name in found.data_vars:
        assert found[name].attrs["units"] == sample[name].attrs["units"]
    for axis in ("latitude", "longitude"):
        np.testing.assert_array_equal(found[axis], sample[axis])
    assert found["time"].values[[0, -1]].astype("M8[h]").astype(str).tolist() == ["1990-01-03T00", "1990-01-09T12"]
    assert found.sizes["time"] == 14
    assert (tmp_path / "simulations" / "speedy").is_dir()


def test_the_dataset_asks_for_nothing_twice_and_by_years() -> None:
    entry = dataset("speedy-5p6-more")
    assert (entry.has_source, entry.is_remote, entry.simulated) == (True, True, True)
    assert entry.source in YEARLY_SOURCES
    assert entry.period_end == date(1999, 12, 31)
    assert entry.channels == dataset("speedy-5p6").channels
    assert entry.grid == dataset("speedy-5p6").grid


def test_what_cannot_be_simulated_is_named(tmp_path: Path) -> None:
    start = date(1990, 1, 1)
    with pytest.raises(ConfigurationError, match=r"expected channels of z500, .* found z700"):
        open_speedy(str(tmp_path), ["z700"], step_hours=12, start=start)
    with pytest.raises(ConfigurationError, match="expected a step that is a multiple of 12 h, found 6 h"):
        open_speedy(str(tmp_path), ["z500"], step_hours=6, start=start)
