from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_analysis, check_same_grid, check_step, holes, usual_step

MakeAnalysis = Callable[..., xr.Dataset]


def _days(*days: int) -> np.ndarray:
    return np.datetime64("2008-01-01", "ns") + np.array(days) * np.timedelta64(1, "D")


def test_a_sound_analysis_passes_unchanged(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    xr.testing.assert_identical(check_analysis(analysis), analysis)
    xr.testing.assert_identical(check_analysis(analysis.chunk({"time": 3})).compute(), analysis)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("value", "found"),
    [(np.nan, "expected a value everywhere, found nan"), (np.inf, "found inf"), (15.0, "found 15"), (1013.0, "1013")],
)
def test_a_bad_value_names_file_variable_and_time(
    make_analysis: MakeAnalysis, value: float, found: str, chunked: bool
) -> None:
    analysis = make_analysis(times=9)
    analysis["msl"][5, 1, 2] = value
    with pytest.raises(InvalidDataError, match=rf"here\.nc: msl at 2001-01-06T00:00Z: .*{found}"):
        check_analysis(analysis.chunk({"time": 2}) if chunked else analysis, where="here.nc").compute()


def test_sea_temperature_may_be_missing_on_land_but_not_wrong(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(channels=("t2m",), static=()).rename(t2m="sst")
    analysis["sst"].values[:] = 290.0
    analysis["sst"].values[:, 0, 0] = np.nan
    check_analysis(analysis)
    analysis["sst"].values[3, 1, 1] = 15.0
    with pytest.raises(InvalidDataError, match="sst at 2001-01-04"):
        check_analysis(analysis)


def test_repeated_and_unsorted_times_are_told_apart(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=4)
    with pytest.raises(InvalidDataError, match="here: expected increasing times, found repeated at 2001-01-02T00:00"):
        check_analysis(analysis.isel(time=[0, 1, 1, 2]), where="here")
    with pytest.raises(InvalidDataError, match="found out of order at 2001-01-02T00:00"):
        check_analysis(analysis.isel(time=[0, 2, 1]), where="here")


def test_units_and_dims_are_checked(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    with pytest.raises(InvalidDataError, match="msl: expected dims"):
        check_analysis(analysis.transpose("latitude", ...))
    analysis["msl"].attrs["units"] = "hPa"
    with pytest.raises(InvalidDataError, match="msl: expected units Pa, found 'hPa'"):
        check_analysis(analysis)


def test_latitude_must_ascend(make_analysis: MakeAnalysis) -> None:
    with pytest.raises(InvalidDataError, match="expected ascending latitude"):
        check_analysis(make_analysis().isel(latitude=slice(None, None, -1)))


def test_holes_lie_between_times_at_the_usual_step() -> None:
    times = _days(0, 1, 2, 5, 6, 8)
    assert usual_step(times) == np.timedelta64(1, "D")
    np.testing.assert_array_equal(holes(times), _days(3, 4, 7))
    assert holes(_days(0, 1, 2)).size == 0
    assert holes(_days(0)).size == 0


def test_months_have_no_holes() -> None:
    months = np.arange("2001-01", "2004-01", dtype="datetime64[M]").astype("datetime64[ns]")
    assert holes(months).size == 0


def test_times_that_fall_between_steps_are_refused() -> None:
    check_step(_days(0, 1, 5), 24, where="x")
    check_step(_days(0, 1, 5), 12, where="x")
    check_step(np.array(["2008-01-01T00", "2008-01-01T12"], "datetime64[ns]"), 24, where="x")
    with pytest.raises(InvalidDataError, match="expected a step of 24 h, found 25 h at 2008-01-02T01:00"):
        check_step(np.array(["2008-01-01T00", "2008-01-02T01"], "datetime64[ns]"), 24, where="x")


def test_another_grid_is_refused(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    latitude, longitude = analysis["latitude"].values, analysis["longitude"].values
    check_same_grid(analysis, latitude + 1e-5, longitude, where="x")
    with pytest.raises(InvalidDataError, match="expected latitude"):
        check_same_grid(analysis, latitude + 0.01, longitude, where="x")
    with pytest.raises(InvalidDataError, match="expected 7 values of longitude, found 8"):
        check_same_grid(analysis, latitude, longitude[:-1], where="x")


@pytest.mark.parametrize("chunks", [None, {"time": 4}, {"time": 4, "latitude": 1}])
def test_a_field_that_is_all_missing_is_refused(make_analysis: MakeAnalysis, chunks: dict[str, int] | None) -> None:
    analysis = make_analysis(channels=("t2m",), static=()).rename(t2m="sst")
    analysis["sst"].values[:] = 290.0
    analysis["sst"].values[:, 0] = np.nan
    analysis["sst"].attrs["standard_name"] = "sea_surface_temperature"
    assert check_analysis(analysis.chunk(chunks) if chunks else analysis)["sst"].isnull().any()
    analysis["sst"].values[7] = np.nan
    with pytest.raises(InvalidDataError, match="sst at 2001-01-08T00:00Z: expected values, found all missing"):
        check_analysis(analysis.chunk(chunks) if chunks else analysis).compute()


def test_what_is_declared_float32_is_float32(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    wide = check_analysis(analysis.astype(np.float64).assign({n: f.astype("f8") for n, f in analysis.items()}).chunk())
    assert wide["msl"].dtype == wide["msl"].compute().dtype == np.float32
