"""What the Climate Data Store is asked for."""

from datetime import date

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.sources.cds.demands import days_until, demands_for, options_of, static_demand

DAYS = days_until(date(2019, 12, 30), date(2020, 1, 2), date(2026, 1, 1))
EVEN = (np.arange(30.0, 61.0, 10.0), np.arange(-10.0, 16.0, 5.0))


def test_requests_are_split_by_month_and_by_kind_of_level() -> None:
    found = demands_for(["z500", "t850", "z850", "t2m"], DAYS, 6, {"data_format": "grib"}, where="x")
    asked = [(one.collection.removeprefix("reanalysis-era5-"), one.inputs()) for one in found]
    assert [(name, inputs["year"], inputs["day"]) for name, inputs in asked] == [
        ("pressure-levels", ["2019"], ["30", "31"]), ("single-levels", ["2019"], ["30", "31"]),
        ("pressure-levels", ["2020"], ["01", "02"]), ("single-levels", ["2020"], ["01", "02"]),
    ]  # fmt: skip
    assert found[0].inputs()["variable"] == ["geopotential", "temperature"]
    assert found[0].inputs()["pressure_level"] == ["500", "850"]
    assert found[0].inputs()["time"] == ["00:00", "06:00", "12:00", "18:00"]
    assert len({one.key for one in found}) == 4
    assert found[0].key == demands_for(["z500", "t850", "z850"], DAYS, 6, {"data_format": "grib"}, where="x")[0].key


def test_halves_are_half_of_the_days() -> None:
    (whole, *_) = demands_for(["t2m"], DAYS[:1] * 3, 24, {}, where="x")
    assert [len(half.days) for half in whole.halves()] == [1, 2]
    assert whole.halves()[0].halves() == ()


def test_area_and_grid_follow_the_dataset() -> None:
    found = options_of(EVEN, members=None, data_format="grib", where="x")
    assert (found["area"], found["grid"]) == ([60.0, -10.0, 30.0, 15.0], [5.0, 10.0])
    globe = options_of((np.linspace(-90, 90, 181), np.arange(360.0)), members=10, data_format="grib", where="x")
    assert "area" not in globe
    assert (globe["grid"], globe["product_type"]) == ([1.0, 1.0], ["ensemble_members"])
    assert "grid" not in options_of(None, members=None, data_format="grib", where="x")
    with pytest.raises(ConfigurationError, match="expected a grid of two or more evenly spaced rows"):
        options_of((np.array([0.0, 1.0, 3.0]), EVEN[1]), members=None, data_format="grib", where="x")
    with pytest.raises(ConfigurationError, match="expected members = 10, which ERA5 has, found 5"):
        options_of(None, members=5, data_format="grib", where="x")


def test_what_the_store_does_not_have_at_a_time_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"expected channels of cape, .*, found tp"):
        demands_for(["tp24"], DAYS, 24, {}, where="x")
    with pytest.raises(ConfigurationError, match="expected static fields of orography, lsm, found t2m"):
        static_demand(["t2m"], {}, where="x")


def test_days_that_cannot_be_there_yet_are_not_asked_for() -> None:
    assert days_until(date(2026, 1, 1), date(2026, 1, 31), date(2026, 1, 10))[-1] == date(2026, 1, 5)
    assert days_until(date(2026, 1, 6), date(2026, 1, 31), date(2026, 1, 10)) == []
