"""Fields have one place each along starts, lead times and members; gaps and contradictions are refused."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.opening import open_grib
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, members, message, on_level, weather, write

HOUR = np.timedelta64(1, "h")


def _opened(path: Path, *messages: bytes, forecast: bool = False) -> list[xr.Dataset]:
    return open_grib(write(path / "a.grib", *messages), forecast=forecast)


def test_an_ensemble_in_any_order(tmp_path: Path) -> None:
    fields = {
        (day, step, number): field
        for day in (20200101, 20200102)
        for step in (6, 12)
        for number, field in enumerate(members("2t", range(3), dataDate=day, step=step))
    }
    order = np.random.default_rng(0).permutation(len(fields))
    (found,) = _opened(tmp_path, *(list(fields.values())[at] for at in order), forecast=True)
    assert found["2t"].dims == ("init_time", "lead_time", "member", "latitude", "longitude")
    assert (found["lead_time"] / HOUR).values.tolist() == [6, 12]
    assert found["member"].values.tolist() == [0, 1, 2]
    wanted = weather("2t", LATITUDE[:, None], LONGITUDE, 0.5 * np.arange(3)[:, None, None])
    np.testing.assert_allclose(found["2t"].values, np.broadcast_to(wanted, (2, 2, 3, 4, 6)), atol=1e-3)


def test_fields_that_share_all_axes_share_a_dataset(tmp_path: Path) -> None:
    found = _opened(
        tmp_path,
        *(on_level("z", level, dataDate=day) for level in (500, 850) for day in (20200101, 20200102)),
        *(message("2t", dataDate=day) for day in (20200101, 20200102)),
        on_level("t", 850),
        message("tp", dataType="fc", stepRange="0-6"),
    )
    assert [sorted(one.data_vars) for one in found] == [["2t", "z_500hPa", "z_850hPa"], ["t_850hPa"], ["tp6"]]


def test_a_lost_field_is_named(tmp_path: Path) -> None:
    fields = [field for step in (6, 12) for field in members("2t", range(4), step=step)]
    with pytest.raises(InvalidDataError) as caught:
        _opened(tmp_path, *fields[:6], fields[7], forecast=True)
    assert str(caught.value) == (
        f"{tmp_path}/a.grib: 2t: expected a field from 2020-01-01T00:00Z at 12 h of member 2, found none "
        "(7 of 8 fields are there)"
    )


def test_a_second_copy_counts_once_and_another_field_for_the_same_place_is_refused(tmp_path: Path) -> None:
    (found,) = _opened(tmp_path, message("2t"), message("2t"))
    assert found["2t"].shape == (4, 6)
    with pytest.raises(InvalidDataError, match=r"2t: expected one 2t \(an\) .*, found two with different bytes"):
        _opened(tmp_path, message("2t"), message("2t", shift=1.0))


def test_of_analyses_and_forecasts_the_one_that_is_asked_for(tmp_path: Path) -> None:
    both = [message("2t"), message("2t", shift=2.0, dataType="fc", dataDate=20191231, step=24)]
    (analysis,) = _opened(tmp_path, *both)
    (forecast,) = _opened(tmp_path, *both, forecast=True)
    assert analysis["lead_time"] == 0
    assert forecast["lead_time"] / HOUR == 24
    np.testing.assert_allclose(forecast["2t"] - analysis["2t"], 2.0, atol=1e-3)
    mixed = [message("2t", dataType="fc", step=6), *members("2t", range(2), step=6)]
    with pytest.raises(InvalidDataError, match="2t: expected one type of data, found fc and ensemble; choose one with"):
        _opened(tmp_path, *mixed, forecast=True)


def test_short_forecasts_of_a_reanalysis_are_a_series(tmp_path: Path) -> None:
    """As ERA5 has its sums: from 06 and 18 UTC, hour by hour."""
    keys = {"edition": 1, "dataType": "fc", "marsClass": "ea", "stepType": "accum"}
    rain = [
        message("tp", **keys, dataTime=time, stepRange=f"{step - 1}-{step}", shift=step + time)
        for time in (600, 1800)
        for step in (1, 2, 3)
    ]
    (series,) = _opened(tmp_path, *rain)
    hours = ["07", "08", "09", "19", "20", "21"]
    assert series["init_time"].values.astype("M8[h]").tolist() == [
        np.datetime64(f"2020-01-01T{h}").item() for h in hours
    ]
    (forecast,) = _opened(tmp_path, *rain, forecast=True)
    assert forecast["tp1"].dims[:2] == ("init_time", "lead_time")


def test_two_grids_are_two_datasets(tmp_path: Path) -> None:
    coarse = {"Ni": 2, "Nj": 2, "iDirectionIncrementInDegrees": 25, "jDirectionIncrementInDegrees": 30}
    values = np.full((2, 2), 280.0)
    found = _opened(tmp_path, message("2t"), message("2d", values=values, **coarse))
    assert [dict(one.sizes) for one in found] == [{"latitude": 4, "longitude": 6}, {"latitude": 2, "longitude": 2}]


def test_fields_on_other_grids_are_passed_over_unless_there_are_no_others(tmp_path: Path) -> None:
    reduced = message("2t", sample="reduced_gg_sfc", grid={}, values=np.full(6114, 280.0))
    (found,) = _opened(tmp_path, message("msl"), reduced)
    assert list(found.data_vars) == ["msl"]
    with pytest.raises(InvalidDataError, match=r"2t: expected a regular .* grid, found reduced_gg; .*cdo -R copy"):
        _opened(tmp_path, reduced)


def test_a_file_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"a\.grib: expected GRIB messages, found none"):
        _opened(tmp_path, bytes(100))
