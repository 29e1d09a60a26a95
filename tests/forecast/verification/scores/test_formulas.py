"""Scores against their definitions written out anew, point by point, and what holds for any ensemble."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats
from scipy.spatial.distance import cosine

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
    fss,
    log_score,
    mae,
    pit,
    quantile_score,
    rank_histogram,
    rank_histogram_test,
    reliability,
    roc,
    rps,
    spectral_crps,
    spectrum,
    spread,
    spread_skill_binned,
    spread_skill_ratio,
    twcrps,
    variogram_score,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
Score = Callable[..., xr.DataArray | xr.Dataset]
GRID = ("latitude", "longitude")


def cases(forecast: xr.DataArray, analysis: xr.DataArray) -> Iterator[tuple[NDArray[np.float64], float, float]]:
    """Members, analysis and area of every point."""
    area = area_weights(analysis["latitude"]).broadcast_like(analysis).transpose(*analysis.dims).values.ravel()
    members = forecast.transpose(*analysis.dims, "member").values.astype(float).reshape(analysis.size, -1)
    yield from zip(members, analysis.values.astype(float).ravel(), area, strict=True)


def test_anomaly_correlation_is_a_weighted_cosine(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    climate = analysis.astype(float).mean("lead_time") + 0.3
    weights = area_weights(analysis["latitude"])
    found = acc(forecast, analysis, climatology=climate, weights=weights)
    each = weights.broadcast_like(climate).values.ravel()
    for lead in range(min(len(analysis), 20)):
        predicted = (forecast.astype(float).mean("member").isel(lead_time=lead) - climate).values.ravel()
        observed = (analysis.isel(lead_time=lead) - climate).values.ravel()
        assert float(found[lead]) == pytest.approx(1 - cosine(predicted, observed, each), rel=1e-6, abs=1e-9)


def test_parts_of_the_crps_by_hersbach(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    found = crps_decomposition(forecast, analysis, reduce=analysis.dims, weights=area_weights(analysis["latitude"]))
    members, total = forecast.sizes["member"], 0.0
    above, below, seen_below = np.zeros(members + 1), np.zeros(members + 1), np.zeros(members + 1)
    for values, observed, area in cases(forecast, analysis):
        edges = np.sort(values)
        for i in range(1, members):
            above[i] += area * min(max(observed - edges[i - 1], 0.0), edges[i] - edges[i - 1])
            below[i] += area * min(max(edges[i] - observed, 0.0), edges[i] - edges[i - 1])
        below[0] += area * max(edges[0] - observed, 0.0)
        above[-1] += area * max(observed - edges[-1], 0.0)
        seen_below[0] += area * (observed < edges[0])
        seen_below[-1] += area * (observed < edges[-1])
        total += area
    above, below, seen_below = above / total, below / total, seen_below / total
    expected = dict.fromkeys(("reliability", "potential"), 0.0)
    for i, p in enumerate(np.arange(members + 1) / members):
        if i in (0, members):  # equations 32 and 33
            outlying = seen_below[0] if i == 0 else 1 - seen_below[-1]
            width = (below[0] if i == 0 else above[-1]) / outlying if outlying else 0.0
            frequency = seen_below[0] if i == 0 else seen_below[-1]
        else:
            width = above[i] + below[i]
            frequency = below[i] / width if width else 0.0
        expected["reliability"] += width * (frequency - p) ** 2
        expected["potential"] += width * frequency * (1 - frequency)
    size = float(abs(analysis).max())
    assert float(found["reliability"]) == pytest.approx(expected["reliability"], rel=1e-6, abs=1e-10 * size)
    potential = float(found["uncertainty"] - found["resolution"])
    assert potential == pytest.approx(expected["potential"], rel=1e-6, abs=1e-10 * size)


def test_parts_of_the_brier_score_by_classes(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    threshold = float(analysis.median())
    options = {"threshold": threshold, "reduce": analysis.dims}
    found = brier_decomposition(forecast, analysis, **options, weights=area_weights(analysis["latitude"]))
    rows = [((x > threshold).mean(), float(y > threshold), area) for x, y, area in cases(forecast, analysis)]
    table = pd.DataFrame(rows, columns=["chance", "happened", "area"])
    classes = table.assign(hits=table.happened * table.area).groupby("chance")[["hits", "area"]].sum().reset_index()
    frequency, share, base = classes.hits / classes.area, classes.area / classes.area.sum(), 0.0
    base = float(classes.hits.sum() / classes.area.sum())
    expected = {
        "reliability": (share * (frequency - classes.chance) ** 2).sum(),
        "resolution": (share * (frequency - base) ** 2).sum(),
        "uncertainty": base * (1 - base),
    }
    for part, value in expected.items():
        assert float(found[part]) == pytest.approx(value, rel=1e-6, abs=1e-12)

    diagram = reliability(forecast, analysis, **options, level=0.8)
    counts = table.groupby("chance").size()
    low, high = (stats.binom.ppf(tail, counts, counts.index) / counts for tail in (0.1, 0.9))
    issued = diagram["share"] > 0
    np.testing.assert_allclose(diagram["consistency_low"][issued.values], low)
    np.testing.assert_allclose(diagram["consistency_high"][issued.values], high)


def test_spread_against_skill(make_pair: MakePair, kind: str) -> None:
    forecast, analysis = make_pair(kind)
    weights = area_weights(analysis["latitude"])
    options = {"reduce": analysis.dims, "weights": weights}
    members = forecast.sizes["member"]
    rows = [
        (np.var(x, ddof=1) if members > 1 else np.nan, x.mean() - y, area) for x, y, area in cases(forecast, analysis)
    ]
    variance, error, area = np.array(rows).T
    spread2, skill2 = np.average(variance, weights=area), np.average(error**2, weights=area)
    ratio, unbiased = (spread_skill_ratio(forecast, analysis, **options, unbiased=way) for way in (False, True))
    if members == 1:
        assert all(score.isnull() for score in (ratio, unbiased, spread(forecast, None, **options)))
        return
    assert float(spread(forecast, None, **options)) == pytest.approx(np.sqrt(spread2), rel=1e-6)
    assert float(ratio) == pytest.approx(np.sqrt((1 + 1 / members) * spread2 / skill2), rel=1e-6)
    endless = skill2 - spread2 / members
    assert float(unbiased) == pytest.approx(
        np.sqrt(spread2 / endless) if endless > 0 else np.nan, rel=1e-6, nan_ok=True
    )
    widths = np.unique(np.sqrt(variance))
    middle = widths[[len(widths) // 2 - 1, len(widths) // 2]].mean() if len(widths) > 2 else 0.5 + widths[0]
    edges = np.array([-1.0, middle, widths[-1] + 1])  # none on a width, where rounding would decide
    bins = spread_skill_binned(forecast, analysis, edges=edges.tolist(), **options)
    table = pd.DataFrame({"variance": variance * area, "error": error**2 * area, "area": area})
    sums = table.groupby(pd.cut(np.sqrt(variance), edges, right=False, labels=False)).sum()
    filled = sums.index.to_numpy()
    np.testing.assert_allclose(bins["rmse"][filled], np.sqrt(sums.error / sums.area), rtol=1e-6)
    expected = np.sqrt((1 + 1 / members) * sums.variance / sums.area)
    np.testing.assert_allclose(bins["spread"][filled], expected, rtol=1e-6)


def test_flatness_is_a_chi_squared_test() -> None:
    counts = np.array([12.0, 9, 15, 4, 10])
    histogram = xr.DataArray(counts / counts.sum(), dims="rank")
    found = rank_histogram_test(histogram, cases=counts.sum())
    expected = stats.chisquare(counts)
    assert float(found["p_value"].sel(part="all")) == pytest.approx(expected.pvalue, rel=1e-9)


def coefficients(
    field: NDArray[np.float64], latitude: NDArray[np.float64], truncation: int
) -> dict[int, list[complex]]:
    """Spherical-harmonic coefficients by degree, of orders 0 and more, by least squares weighted by area."""
    colatitude = np.deg2rad(90 - latitude)
    around = np.deg2rad(np.arange(field.shape[1]) * 360 / field.shape[1])
    root = np.sqrt(area_weights(xr.DataArray(latitude, dims="latitude", coords={"latitude": latitude})).values)
    result: dict[int, list[complex]] = {degree: [] for degree in range(truncation + 1)}
    for order in range(truncation + 1):
        wave = (field * np.exp(-1j * order * around)).mean(axis=1)
        degrees = np.arange(order, truncation + 1)
        basis = np.stack([special.sph_harm_y(n, order, colatitude, 0.0).real for n in degrees], axis=1)
        fitted, *_ = np.linalg.lstsq(basis * root[:, None] * np.sqrt(4 * np.pi), wave * root, rcond=None)
        for degree, value in zip(degrees, fitted, strict=True):
            result[int(degree)].append(complex(value))
    return result


def powers(field: NDArray[np.float64], latitude: NDArray[np.float64], truncation: int) -> list[float]:
    fitted = coefficients(field, latitude, truncation)
    return [sum((1 if m == 0 else 2) * abs(c) ** 2 for m, c in enumerate(fitted[n])) for n in range(truncation + 1)]


def test_spectra_of_spherical_harmonics(make_pair: MakePair, made_kind: str) -> None:
    forecast, analysis = make_pair(made_kind)
    latitude, size = analysis["latitude"].values, float(abs(analysis).max()) ** 2
    found = spectrum(analysis, truncation=3)
    expected = [powers(field, latitude, 3) for field in analysis.values]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12 * size)
    if forecast.sizes["member"] == 1:
        return
    members, mean = forecast.sizes["member"], forecast.mean("member")
    growth = error_growth(forecast, analysis, truncation=3)
    errors = [powers(field, latitude, 3) for field in (mean - analysis).values]
    np.testing.assert_allclose(growth["error"], errors, rtol=1e-6, atol=1e-12 * size)
    about = [
        [powers(field, latitude, 3) for field in member] for member in (forecast - mean).transpose("member", ...).values
    ]
    variance = np.sum(about, axis=0) / (members - 1) * (members + 1) / members
    np.testing.assert_allclose(growth["spread"], variance, rtol=1e-6, atol=1e-12 * size)


def test_crps_of_harmonics(make_pair: MakePair, made_kind: str) -> None:
    forecast, analysis = make_pair(made_kind)
    if forecast.sizes["member"] == 1:
        assert spectral_crps(forecast, analysis).isnull().all()
        return
    latitude = analysis["latitude"].values

    def real(field: NDArray[np.float64]) -> NDArray[np.float64]:
        """Real coefficients (degree, at most 5), padded with zeros; those of cosine and sine with mean square 1."""
        rows = []
        for values in coefficients(field, latitude, 2).values():
            waves = [part * np.sqrt(2) for value in values[1:] for part in (value.real, -value.imag)]
            rows.append(np.pad([values[0].real, *waves], (0, 4 - len(waves))))
        return np.array(rows)

    x = np.array([[real(field) for field in member] for member in forecast.transpose("member", ...).values])
    y = np.array([real(field) for field in analysis.values])
    between = np.abs(x[:, None] - x[None]).sum(axis=(0, 1)) / (2 * len(x) * (len(x) - 1))
    expected = (np.abs(x - y).mean(axis=0) - between).sum(axis=-1) / (2 * np.arange(3) + 1)
    found = spectral_crps(forecast, analysis, truncation=2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-11 * float(abs(analysis).max()))


EVENT = 2.5
POINTWISE: list[tuple[Score, dict[str, object]]] = [
    (crps, {}),
    (crps, {"fair": False}),
    (twcrps, {"lower": 1.0, "upper": 3.0}),
    (quantile_score, {}),
    (dawid_sebastiani, {}),
    (log_score, {}),
    (pit, {}),
    (brier_score, {"threshold": EVENT}),
    (brier_score, {"threshold": EVENT, "fair": False, "strict": False}),
    (rps, {"thresholds": [1.0, EVENT]}),
    (mae, {}),
    (bias, {}),
    (ensemble_mean_rmse, {}),
]


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
