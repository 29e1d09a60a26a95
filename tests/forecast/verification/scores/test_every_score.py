"""What holds for every score: chunks, the order of members, missing values, precision and units change nothing else."""

from collections.abc import Callable

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import (
    acc,
    area_weights,
    bias,
    brier_decomposition,
    brier_score,
    crps,
    crps_decomposition,
    dawid_sebastiani,
    energy_score,
    ensemble_mean_rmse,
    error_growth,
    firm,
    fss,
    log_score,
    mae,
    murphy_diagram,
    owcrps,
    pit,
    quantile_score,
    rank_histogram,
    reliability,
    roc,
    rps,
    seeps,
    spectral_crps,
    spread,
    spread_skill_binned,
    spread_skill_ratio,
    twcrps,
    variogram_score,
    vrcrps,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Score = Callable[..., xr.DataArray | xr.Dataset]
GRID = ("latitude", "longitude")
CLIMATE = xr.DataArray(2.0)
DRY = xr.DataArray(0.4)
SCORES = (crps, ensemble_mean_rmse, bias, mae, spread, spread_skill_ratio, rank_histogram)
EVENTS: list[tuple[Score, dict[str, object]]] = [
    (twcrps, {"lower": 2.0}),
    (quantile_score, {}),
    (dawid_sebastiani, {}),
    (log_score, {}),
    (log_score, {"density": "kernel"}),
    (pit, {}),
    (owcrps, {"upper": 3.0, "fair": False}),
    (vrcrps, {"lower": 1.0}),
    (murphy_diagram, {"threshold": [1.0, 2.0]}),
    (murphy_diagram, {"threshold": 2.0, "functional": "quantile", "level": 0.8}),
    (firm, {"threshold": [1.0, 2.0], "risk": 0.7}),
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
    (fss, {"threshold": 2.0, "window": [2, 3], "zero_padding": True}),
    (spectral_crps, {}),
    (error_growth, {}),
]
EVENT = 2.5
POINTWISE: list[tuple[Score, dict[str, object]]] = [
    (crps, {}),
    (crps, {"fair": False}),
    (twcrps, {"lower": 1.0, "upper": 3.0}),
    (quantile_score, {}),
    (dawid_sebastiani, {}),
    (log_score, {}),
    (log_score, {"density": "kernel"}),
    (log_score, {"density": "kernel", "bandwidth": 0.5}),
    (pit, {}),
    (owcrps, {"lower": 0.5, "fair": False}),
    (vrcrps, {"lower": 1.0, "upper": 3.0}),
    (brier_score, {"threshold": EVENT}),
    (brier_score, {"threshold": EVENT, "fair": False, "strict": False}),
    (rps, {"thresholds": [1.0, EVENT]}),
    (mae, {}),
    (bias, {}),
    (ensemble_mean_rmse, {}),
]
LINEAR: list[tuple[Score, dict[str, object]]] = [
    (crps, {}),
    (quantile_score, {}),
    (mae, {}),
    (bias, {}),
    (ensemble_mean_rmse, {}),
    (energy_score, {"dims": GRID}),
    (crps_decomposition, {"reduce": GRID}),
]
FREE: list[tuple[Score, dict[str, object]]] = [
    (pit, {}),
    (spread_skill_ratio, {"reduce": GRID}),
    (rank_histogram, {"reduce": GRID}),
]


@pytest.mark.parametrize("score", SCORES)
def test_chunks_do_not_matter_and_stay_lazy(make_pair: MakePair, score: Callable[..., xr.DataArray]) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(forecast["latitude"])
    whole = score(forecast, analysis, reduce=GRID, weights=weights)
    lazy = score(
        forecast.chunk(member=4, lead_time=1, latitude=4), analysis.chunk(latitude=5), reduce=GRID, weights=weights
    )
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), whole, rtol=1e-13)


@pytest.mark.parametrize("score", SCORES)
def test_one_missing_value_spoils_its_score_unless_skipped(
    make_pair: MakePair, score: Callable[..., xr.DataArray]
) -> None:
    forecast, analysis = make_pair("random")
    whole = score(forecast, analysis, reduce=GRID)
    holed = forecast.copy(deep=True)
    holed[3, 1, 0, 0] = np.nan
    holed_analysis = analysis.copy(deep=True)
    holed_analysis[2, 0, 0] = np.nan
    found = score(holed, holed_analysis, reduce=GRID)
    assert found.isel(lead_time=[1]).isnull().all()
    if score is not spread:
        assert found.isel(lead_time=[2]).isnull().all()
    xr.testing.assert_allclose(found.isel(lead_time=0), whole.isel(lead_time=0))
    skipped = score(holed, holed_analysis, reduce=GRID, skip_missing=True)
    assert skipped.notnull().all()
    points = [field.isel(lead_time=2).stack(p=GRID).isel(p=slice(1, None)) for field in (forecast, analysis)]
    without = score(*points, reduce=["p"])
    np.testing.assert_allclose(skipped.isel(lead_time=2), without, rtol=1e-12)


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


@pytest.mark.parametrize(("score", "options"), POINTWISE, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("kind", ["random", "tied", "constant", "offset"])
def test_missing_members_are_as_if_never_made(
    make_pair: MakePair, kind: str, score: Score, options: dict[str, object]
) -> None:
    forecast, analysis = make_pair(kind)
    holed = forecast.copy(deep=True)
    holed[{"member": [1, 4, 8], "latitude": 2}] = np.nan
    found = score(holed, analysis, skip_missing=True, **options)
    fewer = score(forecast.drop_isel(member=[1, 4, 8]), analysis, **options)
    xr.testing.assert_allclose(found.isel(latitude=2), fewer.isel(latitude=2), rtol=1e-9)
    whole = score(forecast, analysis, **options)
    rest = {"latitude": [0, 1, 3, 4, 5]}
    xr.testing.assert_allclose(found.isel(rest), whole.isel(rest), rtol=1e-12)
    assert score(holed, analysis, **options).isel(latitude=2).isnull().all()


@pytest.mark.parametrize(("score", "options"), POINTWISE, ids=lambda value: getattr(value, "__name__", ""))
def test_float32_has_the_scores_of_its_values(
    make_pair: MakePair, made_kind: str, score: Score, options: dict[str, object]
) -> None:
    forecast, analysis = make_pair(made_kind, dtype=np.float32)
    single = score(forecast, analysis, **options)
    double = score(forecast.astype(float), analysis.astype(float), **options)
    xr.testing.assert_allclose(single.astype(float), double, rtol=1e-5, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    shift=st.floats(-1e4, 1e4),
    scale=st.sampled_from([0.03125, 0.5, 4.0, 512.0]),
    members=st.integers(2, 12),
    tied=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_units_change_scores_as_they_should(shift: float, scale: float, members: int, tied: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, observed = rng.normal(size=(members, 2, 3, 4)), rng.normal(size=(2, 3, 4))
    if tied:
        values, observed = np.round(values), np.round(observed)
    coords = {"latitude": [-30.0, 0.0, 30.0], "longitude": [0.0, 10.0, 20.0, 30.0]}
    forecast = xr.DataArray(values, dims=("member", "case", *GRID), coords=coords)
    analysis = xr.DataArray(observed, dims=("case", *GRID), coords=coords)
    other = (forecast * scale + np.round(shift), analysis * scale + np.round(shift))
    order = rng.permutation(members)
    mixed = (forecast.isel(member=order), analysis)
    event, moved = 0.25, 0.25 * scale + np.round(shift)

    def agree(found: xr.DataArray | xr.Dataset, expected: xr.DataArray | xr.Dataset, size: float) -> None:
        xr.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * size)

    for score, options in LINEAR:
        whole = score(forecast, analysis, **options)
        agree(score(*other, **options), whole * scale, max(scale, abs(shift)))
        agree(score(*mixed, **options), whole, 1.0)
        assert not (whole.isnull() if isinstance(whole, xr.DataArray) else whole["crps"].isnull()).any()
    if not tied:  # a shift that rounds may part what was tied
        for score, options in FREE:
            agree(score(*other, **options), score(forecast, analysis, **options), max(1.0, abs(shift) / scale))
        logs = dawid_sebastiani(forecast, analysis) + 2 * np.log(scale)
        agree(dawid_sebastiani(*other), logs, 1e3 * max(1.0, abs(shift) / scale))
    pairs = variogram_score(forecast, analysis, dims=GRID)
    agree(variogram_score(*other, dims=GRID), pairs * scale, 1e3 * max(scale, abs(shift)))
    brier = brier_score(forecast, analysis, threshold=event)
    agree(brier_score(*other, threshold=moved), brier, 1.0)
    tail = twcrps(forecast, analysis, lower=event)
    agree(twcrps(*other, lower=moved), tail * scale, max(scale, abs(shift)))
    curve = roc(forecast, analysis, threshold=event, reduce=("case", *GRID))
    agree(roc(*other, threshold=moved, reduce=("case", *GRID)), curve, 1.0)
    near = fss(forecast, analysis, threshold=event, window=3)
    agree(fss(*mixed, threshold=event, window=3), near, 1.0)
