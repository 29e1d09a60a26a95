"""Scores of events, decompositions, fields and spectra, against formulas written another way."""

from collections.abc import Callable

import dask
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from forecast.verification import (
    UnscorableError,
    acc,
    area_weights,
    brier_decomposition,
    brier_score,
    crps,
    crps_decomposition,
    dawid_sebastiani,
    energy_score,
    error_growth,
    fss,
    log_score,
    pit,
    quantile_score,
    reliability,
    roc,
    rps,
    seeps,
    spectral_crps,
    spectrum,
    spread_skill_binned,
    twcrps,
    variogram_score,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Score = Callable[..., xr.DataArray | xr.Dataset]
GRID = ("latitude", "longitude")
CLIMATE = xr.DataArray(2.0)
DRY = xr.DataArray(0.4)
EVENTS: list[tuple[Score, dict[str, object]]] = [
    (twcrps, {"lower": 2.0}),
    (quantile_score, {}),
    (dawid_sebastiani, {}),
    (log_score, {}),
    (pit, {}),
    (brier_score, {"threshold": [1.0, 2.0]}),
    (rps, {"thresholds": [1.0, 2.0, 3.0]}),
    (seeps, {"dry_fraction": DRY, "heavy_threshold": CLIMATE}),
    (crps_decomposition, {}),
    (brier_decomposition, {"threshold": 2.0}),
    (reliability, {"threshold": 2.0}),
    (roc, {"threshold": 2.0}),
    (spread_skill_binned, {"edges": [0, 1, 2, 9]}),
]
FIELDS: list[tuple[Score, dict[str, object]]] = [
    (energy_score, {"dims": GRID}),
    (variogram_score, {"dims": GRID}),
    (acc, {"climatology": CLIMATE}),
    (fss, {"threshold": 2.0, "window": 3, "periodic": ("longitude",)}),
    (spectral_crps, {}),
    (error_growth, {}),
]


@pytest.mark.parametrize(("score", "options"), EVENTS + FIELDS, ids=lambda value: getattr(value, "__name__", ""))
def test_chunks_members_and_missing_values(make_pair: MakePair, score: Score, options: dict[str, object]) -> None:
    forecast, analysis = make_pair("random")
    reduce = ("lead_time",) if (score, options) in FIELDS else ("lead_time", *GRID)
    whole = score(forecast, analysis, reduce=reduce, **options)
    lazy = score(
        forecast.chunk(member=4, lead_time=1, latitude=4), analysis.chunk(latitude=5), reduce=reduce, **options
    )
    assert dask.is_dask_collection(lazy)
    xr.testing.assert_allclose(lazy.compute(), whole, rtol=1e-9)
    mixed = score(forecast.isel(member=[3, 1, 8, 0, 2, 7, 4, 6, 5]), analysis, reduce=reduce, **options)
    xr.testing.assert_allclose(mixed, whole, rtol=1e-9)
    holed = forecast.copy(deep=True)
    holed[3, 1, 2, 0] = np.nan
    spoiled = score(holed, analysis, reduce=reduce, **options)
    spoiled = spoiled if isinstance(spoiled, xr.Dataset) else spoiled.to_dataset(name="score")
    assert all(field.isnull().all() for name, field in spoiled.items() if name not in {"share", "analysis"}), spoiled
    skipped = score(holed, analysis, reduce=reduce, skip_missing=True, **options)
    skipped = skipped if isinstance(skipped, xr.Dataset) else skipped.to_dataset(name="score")
    assert all(field.notnull().any() for field in skipped.values())


def test_tails_add_up_and_quantiles_integrate_to_the_crps(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    parts = twcrps(forecast, analysis, upper=2.0) + twcrps(forecast, analysis, lower=2.0)
    np.testing.assert_allclose(parts, crps(forecast, analysis), atol=1e-12)
    levels = (np.arange(2000) + 0.5) / 2000
    many = xr.DataArray(norm.ppf((np.arange(800) + 0.5) / 800)[:, None] * np.ones(3), dims=("member", "case"))
    cases = xr.DataArray([-1.0, 0.0, 2.5], dims="case")
    integral = 2 * quantile_score(many, cases, quantiles=levels).mean("quantile")
    np.testing.assert_allclose(integral, crps(many, cases, fair=False), rtol=2e-3)
    with pytest.raises(UnscorableError, match="expected lower below upper"):
        twcrps(forecast, analysis, lower=2.0, upper=1.0)
    with pytest.raises(UnscorableError, match="quantiles: expected levels"):
        quantile_score(forecast, analysis, quantiles=[0.0])


def test_normal_scores(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    mean, deviation = forecast.mean("member"), forecast.std("member", ddof=1)
    expected = -norm.logpdf(analysis.values, mean.values, deviation.values)
    np.testing.assert_allclose(log_score(forecast, analysis), expected, rtol=1e-9)
    np.testing.assert_allclose(dawid_sebastiani(forecast, analysis), 2 * expected - np.log(2 * np.pi), rtol=1e-9)
    assert dawid_sebastiani(*make_pair("constant")).isnull().all()
    assert log_score(*make_pair("single")).isnull().all()


def test_fair_brier_is_unbiased_in_the_ensemble_size() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(200_000)
    happened = xr.DataArray((rng.random(200_000) < 0.3).astype(float), dims="case")
    ideal = float(((chance - happened.values) ** 2).mean())
    for members in (2, 5):
        drawn = xr.DataArray((rng.random((members, 200_000)) < chance).astype(float), dims=("member", "case"))
        assert float(brier_score(drawn, happened, threshold=0.5, reduce=["case"])) == pytest.approx(ideal, rel=0.01)
    assert brier_score(drawn.isel(member=[0]), happened, threshold=0.5, reduce=["case"]).isnull()


def test_thresholds_of_each_point_and_at_the_value(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    quantile = analysis.quantile(0.8, "lead_time", keep_attrs=True).drop_vars("quantile")
    found = brier_score(forecast, analysis, threshold=quantile, fair=False)
    expected = ((forecast > quantile).mean("member") - (analysis > quantile)) ** 2
    np.testing.assert_allclose(found, expected.transpose(*found.dims))
    at = brier_score(forecast, analysis, threshold=2.0, strict=False, fair=False)
    np.testing.assert_allclose(at, ((forecast >= 2).mean("member") - (analysis >= 2)) ** 2)
    with pytest.raises(UnscorableError, match="threshold: expected the coordinates"):
        brier_score(forecast, analysis, threshold=quantile.isel(latitude=slice(None, None, -1)))


def test_decompositions_are_exact(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(analysis["latitude"])
    options = {"reduce": GRID, "weights": weights}
    parts = crps_decomposition(forecast, analysis, **options)
    np.testing.assert_allclose(parts["crps"], crps(forecast, analysis, fair=False, **options), rtol=1e-12)
    np.testing.assert_allclose(parts["reliability"] - parts["resolution"] + parts["uncertainty"], parts["crps"])
    assert (parts["reliability"] >= 0).all()
    brier = brier_decomposition(forecast, analysis, threshold=2.0, **options)
    np.testing.assert_allclose(
        brier["brier_score"], brier_score(forecast, analysis, threshold=2.0, fair=False, **options), rtol=1e-12
    )
    y, w = analysis.values.reshape(3, -1), weights.broadcast_like(analysis[0]).values.ravel()
    pairs = np.einsum("tab,a,b->t", np.abs(y[:, :, None] - y[:, None, :]), w, w) / w.sum() ** 2 / 2
    np.testing.assert_allclose(parts["uncertainty"], pairs, rtol=1e-12)


def test_crps_of_climatology_is_its_uncertainty() -> None:
    sample = np.random.default_rng(0).normal(size=60)
    forecast = xr.DataArray(np.tile(sample[:, None], 60), dims=("member", "case"))
    parts = crps_decomposition(forecast, xr.DataArray(sample, dims="case"), reduce=["case"])
    assert float(parts["uncertainty"]) == pytest.approx(float(parts["crps"]), rel=1e-12)
    assert float(parts["resolution"]) == pytest.approx(float(parts["reliability"]), abs=0.01)


def test_reliable_forecasts_lie_on_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(40_000)
    forecast = xr.DataArray((rng.random((400, 40_000)) < chance).astype(float), dims=("member", "case"))
    analysis = xr.DataArray((rng.random(40_000) < chance).astype(float), dims="case")
    found = reliability(forecast, analysis, threshold=0.5, reduce=["case"], bins=10)
    np.testing.assert_allclose(found["observed_frequency"], found["forecast_probability"], atol=0.03)
    assert ((found["observed_frequency"] >= found["consistency_low"]).sum()) >= 7
    assert (found["consistency_low"] < found["consistency_high"]).all()
    isotonic = found["corp_frequency"].dropna("probability")
    assert (isotonic.diff("probability") >= 0).all()
    assert 0 <= float(found["miscalibration"]) < 0.01
    assert float(found["discrimination"]) == pytest.approx(1 / 12, abs=0.01)
    assert float(found["share"].sum()) == pytest.approx(1)


def test_roc_area_is_the_chance_to_rank_an_event_above_a_non_event(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    curve = roc(forecast, analysis, threshold=2.0, reduce=analysis.dims)
    p, happened = (forecast > 2).mean("member").values.ravel(), (analysis > 2).values.ravel()
    yes, no = p[happened][:, None], p[~happened][None]
    assert float(curve["area"]) == pytest.approx(((yes > no) + 0.5 * (yes == no)).mean(), rel=1e-12)
    assert curve["hit_rate"].values[[0, -1]].tolist() == [1, 0]
    never = roc(forecast, analysis, threshold=1e9, reduce=analysis.dims)
    assert never["area"].isnull()


def test_energy_score_of_one_point_is_the_crps(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    one = {"latitude": [2], "longitude": [3]}
    found = energy_score(forecast.isel(one), analysis.isel(one), dims=GRID)
    np.testing.assert_allclose(found, crps(forecast, analysis).isel(latitude=2, longitude=3), rtol=1e-9)
    doubled = energy_score(forecast, analysis, dims=GRID, norm_weights=xr.full_like(analysis[0], 4.0))
    np.testing.assert_allclose(doubled, 2 * energy_score(forecast, analysis, dims=GRID))
    assert energy_score(*make_pair("single"), dims=GRID).isnull().all()


def test_acc_is_one_for_perfect_and_minus_one_for_opposite_anomalies(make_pair: MakePair) -> None:
    _, analysis = make_pair("offset", dtype=np.float32)
    climate = analysis.mean("lead_time").astype(np.float64)
    weights = area_weights(analysis["latitude"])
    perfect = acc(analysis.expand_dims(member=2), analysis, climatology=climate, weights=weights)
    np.testing.assert_allclose(perfect, 1, rtol=1e-6)
    opposite = (2 * climate - analysis).expand_dims(member=2)
    np.testing.assert_allclose(acc(opposite, analysis, climatology=climate, weights=weights), -1, rtol=1e-6)


def test_fractions_of_a_displaced_event_grow_with_the_window() -> None:
    analysis = xr.DataArray(np.zeros((15, 15)), dims=GRID)
    forecast = analysis.copy(deep=True).expand_dims(member=1).copy()
    analysis[7, 7], forecast[0, 7, 9] = 1.0, 1.0
    small, large = (float(fss(forecast, analysis, threshold=0.5, window=n)) for n in (1, 5))
    assert small == 0
    # Windows of 5 see both events in 3 of the 5 + 2 columns that see any: 1 - (2+2)/(5+5).
    assert large == pytest.approx(1 - 4 / 10)
    wrapped = forecast.roll(longitude=7), analysis.roll(longitude=7)
    assert float(fss(*wrapped, threshold=0.5, window=5, periodic=("longitude",))) == pytest.approx(large)
    with pytest.raises(UnscorableError, match="expected an odd number"):
        fss(forecast, analysis, threshold=0.5, window=4)


def test_seeps_of_the_climatological_extremes() -> None:
    analysis = xr.DataArray([0.0, 1.0, 9.0], dims="case")
    dry = analysis.expand_dims(member=1) * 0
    found = seeps(dry, analysis, dry_fraction=DRY, heavy_threshold=xr.DataArray(5.0))
    np.testing.assert_allclose(found, [0, 1 / 0.6 / 2, 4 / 0.6 / 2])
    # Dry with p1 = 0.4, light 0.4, heavy 0.2: always forecasting one category has no skill.
    assert float((found * xr.DataArray([0.4, 0.4, 0.2], dims="case")).sum()) == pytest.approx(1)
    assert seeps(dry, analysis, dry_fraction=DRY * 0, heavy_threshold=xr.DataArray(5.0)).isnull().all()


def test_binned_spread_tells_small_from_large() -> None:
    rng = np.random.default_rng(0)
    width = xr.DataArray(np.where(np.arange(40_000) % 2, 1.0, 3.0), dims="case")
    forecast = xr.DataArray(rng.normal(size=(20, 40_000)), dims=("member", "case")) * width
    analysis = xr.DataArray(rng.normal(size=40_000), dims="case") * width
    bins = spread_skill_binned(forecast, analysis, edges=[0, 1.7, 10], reduce=["case"])
    np.testing.assert_allclose(bins["rmse"] / bins["spread"], 1, atol=0.03)
    np.testing.assert_allclose(bins["weight"], 20_000, rtol=0.01)


def harmonic_field() -> xr.DataArray:
    latitude, longitude = np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625
    across, up = np.meshgrid(np.deg2rad(longitude), np.deg2rad(latitude))
    second = np.sqrt(15) / 2 * np.cos(up) ** 2 * np.cos(2 * across + 0.3)
    values = 0.7 + 3 * np.sqrt(3) * np.sin(up) + second
    return xr.DataArray(values, dims=GRID, coords={"latitude": latitude, "longitude": longitude})


def test_spectrum_finds_harmonics_and_keeps_the_power() -> None:
    field = harmonic_field()
    power = spectrum(field)
    np.testing.assert_allclose(power[:4], [0.49, 9.0, 1.0, 0.0], atol=1e-10)
    zonal = spectrum(field, kind="zonal")
    mean_square = float((field**2).weighted(area_weights(field["latitude"])).mean())
    assert float(zonal.sum()) == pytest.approx(mean_square, rel=1e-12)
    assert zonal.sizes["wavenumber"] == 33
    assert float(zonal[2]) == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_allclose(spectrum(field.isel(latitude=slice(None, None, -1))), power, atol=1e-9)
    with pytest.raises(UnscorableError, match="expected a circle"):
        spectrum(field.isel(longitude=slice(32)))
    with pytest.raises(UnscorableError, match="expected to reach both poles"):
        spectrum(field.isel(latitude=slice(20)))
    with pytest.raises(UnscorableError, match="truncation: expected at most 21"):
        spectrum(field, truncation=40)


def test_difference_energy_of_members_like_the_analysis_is_alike() -> None:
    rng = np.random.default_rng(0)
    field = harmonic_field()
    forecast = field + xr.DataArray(rng.normal(size=(6, 40, 32, 64)), dims=("member", "case", *GRID))
    analysis = field + xr.DataArray(rng.normal(size=(40, 32, 64)), dims=("case", *GRID))
    found = error_growth(forecast, analysis, reduce=["case"])
    np.testing.assert_allclose(found["spread"] / found["error"], 1, atol=0.25)
    assert float(found["spread"].sum() / found["error"].sum()) == pytest.approx(1, abs=0.03)
    assert float(found["members"][1]) == pytest.approx(9.0, rel=0.05)
    score = spectral_crps(forecast, analysis, reduce=["case"])
    assert (score > 0).all()
    perfect = spectral_crps(analysis.expand_dims(member=3), analysis, reduce=["case"])
    np.testing.assert_allclose(perfect, 0, atol=1e-12)
    assert spectral_crps(forecast.isel(member=[0]), analysis).isnull().all()
