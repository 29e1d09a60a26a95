from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import row_areas
from data_catalog.statistics.climatology import annual_basis, evaluate_climatology, fit_climatology, fit_normalisation

MakeAnalysis = Callable[..., xr.Dataset]


def _with_cycle(analysis: xr.Dataset, noise: float = 0.0) -> xr.Dataset:
    """A known seasonal cycle, another at each hour of the day, and noise of known size."""
    times = analysis["time"].values
    cycle = annual_basis(times, 2) @ np.array([101e3, 800.0, -300.0, 100.0, 50.0])
    cycle += 40.0 * ((times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")) / 6
    shape = analysis["msl"].shape
    values = cycle[:, np.newaxis, np.newaxis] + noise * np.random.default_rng(1).standard_normal(shape)
    return analysis[["msl"]].assign(msl=analysis["msl"].copy(data=values.astype(np.float32)))


def test_a_known_cycle_is_found_at_each_hour(make_analysis: MakeAnalysis) -> None:
    analysis = _with_cycle(make_analysis(times=3 * 1461, step_hours=12))
    climatology = fit_climatology(analysis.isel(time=slice(0, 1461)))
    assert climatology["msl"].dims == ("hour", "coefficient", "latitude", "longitude")
    assert climatology["hour"].values.tolist() == [0, 12]
    assert climatology.attrs["training_start"] == "2001-01-01T00:00"
    assert climatology.attrs["training_end"] == "2003-01-01T00:00"
    later = analysis.isel(time=slice(1461, None))  # years it has not seen, a leap year among them
    predicted = evaluate_climatology(climatology, later["time"].values)
    np.testing.assert_allclose(predicted["msl"], later["msl"], atol=0.1)
    assert predicted["msl"].dtype == np.float32


def test_chunked_equals_whole(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=730)
    whole, chunked = fit_climatology(analysis), fit_climatology(analysis.chunk({"time": 100}))
    xr.testing.assert_allclose(whole, chunked, rtol=1e-6)
    assert set(whole.data_vars) == {"msl", "t2m"}  # static fields have no cycle
    spread = fit_normalisation(analysis, whole)
    xr.testing.assert_allclose(spread, fit_normalisation(analysis.chunk({"time": 100}), whole), rtol=1e-6)


def test_normalisation_is_the_standard_deviation_of_anomalies(make_analysis: MakeAnalysis) -> None:
    analysis = _with_cycle(make_analysis(times=1461), noise=500.0)
    spread = fit_normalisation(analysis, fit_climatology(analysis))
    assert float(spread["msl"]) == pytest.approx(500.0, rel=0.02)
    assert spread["msl"].attrs["units"] == "Pa"


def test_rows_are_weighted_by_area(make_analysis: MakeAnalysis) -> None:
    """Noise in one row only: its share of the variance is its share of the sphere."""
    analysis = make_analysis(times=1461)[["msl"]]
    values = np.full(analysis["msl"].shape, 101e3, np.float32)
    values[:, 0] += 100.0 * np.random.default_rng(3).standard_normal(values[:, 0].shape).astype(np.float32)
    analysis["msl"].values[:] = values
    spread = fit_normalisation(analysis, fit_climatology(analysis))
    share = (np.sin(np.deg2rad(90)) - np.sin(np.deg2rad(45))) / 2
    assert float(spread["msl"]) ** 2 == pytest.approx(share * 100.0**2, rel=0.03)


def test_a_part_of_a_year_is_refused(make_analysis: MakeAnalysis) -> None:
    with pytest.raises(InvalidDataError, match=r"expected times at 0 UTC over most of a year.*found 40 times"):
        fit_climatology(make_analysis(times=40))
    assert fit_climatology(make_analysis(times=40), harmonics=0).sizes["coefficient"] == 1


def test_an_hour_that_was_not_fitted_is_refused(make_analysis: MakeAnalysis) -> None:
    climatology = fit_climatology(make_analysis(times=366))
    with pytest.raises(InvalidDataError, match=r"found 2008-06-01T06:00"):
        evaluate_climatology(climatology, np.array(["2008-06-01T00", "2008-06-01T06"], "datetime64[ns]"))


def test_a_long_analysis_is_read_once_and_in_pieces(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_analysis(times=800, step_hours=12)
    expected = fit_climatology(whole)
    monkeypatch.setattr("data_catalog.statistics.climatology._PIECE_VALUES", 64 * 40)
    held: list[int] = []

    def read(block: np.ndarray) -> np.ndarray:
        held.append(len(block))
        return block

    lazy = whole[["msl"]].assign(msl=whole["msl"].chunk({"time": 20}))
    counted = lazy["msl"].data.map_blocks(read, dtype=np.float32, meta=np.empty((0, 0, 0), "f4"))
    lazy["msl"] = lazy["msl"].copy(data=counted)
    xr.testing.assert_allclose(fit_climatology(lazy)["msl"], expected["msl"], rtol=1e-6)
    assert held == [20] * 40


def test_normalisation_in_blocks_is_that_of_whole_fields(
    make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = make_analysis(times=800, step_hours=12)
    climatology = fit_climatology(analysis)
    anomaly = analysis["t2m"] - evaluate_climatology(climatology, analysis["time"].values)["t2m"]
    areas = xr.DataArray(row_areas(analysis["latitude"].values), dims="latitude")
    expected = float(np.sqrt((anomaly.astype(np.float64) ** 2).weighted(areas).mean()))
    for values in (1, 100, 2**17):
        monkeypatch.setattr("data_catalog.statistics.climatology._BLOCK_VALUES", values)
        assert float(fit_normalisation(analysis, climatology)["t2m"]) == pytest.approx(expected, rel=1e-12)


def test_missing_values_of_one_hour_stay_there(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=800, step_hours=12)
    analysis["msl"].values[1::2, 0, 0] = np.nan
    missing = fit_climatology(analysis)["msl"].isnull()
    assert missing.sel(hour=12)[:, 0, 0].all()
    assert missing.sum() == missing.sizes["coefficient"]
