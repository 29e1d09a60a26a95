"""Murphy diagrams and FIRM: what they integrate to, which forecast they favour, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import UnscorableError, firm, murphy_diagram, quantile_score
from forecast.verification.scores import elementary

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
POINTS = st.lists(st.floats(-3, 3), min_size=2, max_size=9)


def fields(one: list[float], other: list[float]) -> tuple[xr.DataArray, xr.DataArray]:
    count = min(len(one), len(other))
    return xr.DataArray(one[:count], dims="case"), xr.DataArray(other[:count], dims="case")


@settings(max_examples=20, deadline=None)
@given(POINTS, POINTS, st.sampled_from([0.1, 0.5, 0.8]))
def test_averages_over_thresholds_are_the_pinball_loss_and_the_squared_error(
    one: list[float], other: list[float], level: float
) -> None:
    forecast, analysis = fields(one, other)
    step = 0.02
    thresholds = np.arange(-3.1, 3.1, step) + 1e-4
    options = {"threshold": thresholds, "reduce": "all"}
    area = murphy_diagram(forecast, analysis, functional="quantile", level=level, **options).sum("threshold") * step
    pinball = ((analysis < forecast) - level) * (forecast - analysis)
    assert float(area["score"]) == pytest.approx(float(pinball.mean()), abs=step)
    area = murphy_diagram(forecast, analysis, **options).sum("threshold") * step
    assert float(area["score"]) == pytest.approx(float(((forecast - analysis) ** 2).mean()) / 4, abs=3 * step)


def test_single_points_by_hand() -> None:
    forecast, analysis = xr.DataArray([2.0, 2.0, 1.0]), xr.DataArray([0.5, 2.5, 1.0])
    found = murphy_diagram(forecast, analysis, threshold=[1.0, 2.0], functional="expectile", level=0.9)
    np.testing.assert_allclose(found["over"], [[0.1 * 0.5, 0], [0, 0], [0, 0]])
    np.testing.assert_allclose(found["under"], [[0, 0], [0, 0.9 * 0.5], [0, 0]])
    found = firm(forecast, analysis, threshold=[1.0, 2.0], risk=0.7, threshold_weights=[2, 3])
    np.testing.assert_allclose(found["over"], [0.3 * 2, 0, 0])
    np.testing.assert_allclose(found["under"], [0, 0.7 * 3, 0])
    np.testing.assert_allclose(found["score"], found["over"] + found["under"])
    near = firm(forecast, analysis, threshold=[1.0, 2.0], risk=0.7, discount_distance=0.2)
    np.testing.assert_allclose(near["score"], [0.3 * 0.2, 0.7 * 0.2, 0])


@pytest.mark.parametrize("level", [0.05, 0.4, 0.5, 0.7, 0.99])
def test_functionals_of_an_ensemble_are_what_no_constant_beats(make_pair: MakePair, level: float) -> None:
    forecast, analysis = (field.isel(lead_time=0, latitude=slice(2), drop=True) for field in make_pair("tied"))
    thresholds = np.arange(0.0, 9.0, 0.37)
    taken = forecast.quantile(level, "member").drop_vars("quantile")
    xr.testing.assert_allclose(
        murphy_diagram(forecast, analysis, threshold=thresholds, functional="quantile", level=level),
        murphy_diagram(taken, analysis, threshold=thresholds, functional="quantile", level=level),
    )
    # The expectile of a point's members is where their asymmetric squared error is least.
    members = forecast.isel(latitude=0, longitude=0, drop=True)
    candidates = xr.DataArray(np.linspace(0, 8, 8001), dims="candidate")
    error = members - candidates
    loss = (abs((error < 0) - level) * error**2).mean("member")
    best = float(candidates[int(loss.values.argmin())])
    here = {"threshold": best + 0.002, "functional": "expectile", "level": level}
    beyond = {**here, "threshold": best - 0.002}
    far = xr.DataArray(-1.0), xr.DataArray(100.0)
    assert float(murphy_diagram(members, far[0], **here)["over"]) == 0
    assert float(murphy_diagram(members, far[0], **beyond)["over"]) > 0


def test_the_mean_is_the_expectile_of_one_half_and_units_are_kept(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    mean = murphy_diagram(forecast, analysis, threshold=5e4 + 8, reduce="all")
    xr.testing.assert_allclose(
        murphy_diagram(forecast, analysis, threshold=5e4 + 8, functional="expectile", reduce="all"), mean
    )
    xr.testing.assert_allclose(
        murphy_diagram(forecast.mean("member"), analysis, threshold=5e4 + 8, reduce="all"), mean, rtol=1e-9
    )
    assert mean["score"].attrs == {"units": "K"}
    quantile = murphy_diagram(forecast, analysis, threshold=5e4 + 8, functional="quantile", reduce="all")
    assert quantile["score"].attrs == {}


def test_a_warning_of_fixed_risk_is_the_quantile_of_that_level() -> None:
    """Of all constant warnings of a known distribution, the quantile of level `risk` scores best."""
    rng = np.random.default_rng(3)
    analysis = xr.DataArray(rng.gamma(2.0, size=20000), dims="case")
    thresholds = [1.0, 2.0, 3.0, 4.0]
    options = {"threshold": thresholds, "risk": 0.7, "reduce": "all"}
    scores = {
        value: float(firm(xr.full_like(analysis, value), analysis, **options)["score"])
        for value in (0.5, 1.5, 2.5, 3.5, 4.5)
    }
    best = float(analysis.quantile(0.7))
    assert min(scores, key=lambda value: scores[value]) == pytest.approx(best, abs=0.5)
    ensemble = xr.DataArray(np.quantile(analysis, np.linspace(0, 1, 101)), dims="member")
    drawn = firm(ensemble.expand_dims(case=20000), analysis, **options)
    assert float(drawn["score"]) == pytest.approx(min(scores.values()))


def test_thresholds_by_place_are_those_of_each(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    by_place = xr.DataArray([1.0, 2.0], dims="threshold") + 0.1 * xr.DataArray(np.arange(6), dims="latitude")
    found = firm(forecast, analysis, threshold=by_place, risk=0.4, reduce=("lead_time", "longitude"))
    diagram = murphy_diagram(forecast, analysis, threshold=by_place, reduce=("lead_time", "longitude"))
    for row in range(6):
        here = {"latitude": row}
        options = {"threshold": by_place.isel(here).values, "reduce": ("lead_time", "longitude")}
        one = firm(forecast.isel(here), analysis.isel(here), risk=0.4, **options)
        np.testing.assert_allclose(found["score"].isel(here), one["score"])
        one = murphy_diagram(forecast.isel(here), analysis.isel(here), **options)
        np.testing.assert_allclose(diagram["score"].isel(here), one["score"])


def test_quantile_scores_are_areas_under_diagrams_of_ensembles(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    thresholds = np.arange(0.0, 15.0, 0.02)
    found = murphy_diagram(
        forecast.isel(lead_time=[0]), analysis.isel(lead_time=[0]), threshold=thresholds, functional="quantile",
        level=0.9, reduce="all",
    )  # fmt: skip
    expected = quantile_score(forecast.isel(lead_time=[0]), analysis.isel(lead_time=[0]), quantiles=0.9, reduce="all")
    assert float(found["score"].sum()) * 0.02 == pytest.approx(float(expected[0]), rel=0.02)


def test_thresholds_in_blocks_are_as_all_at_once(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast, analysis = make_pair("random")
    options = {"threshold": np.arange(0.0, 4.0, 0.25), "reduce": ("lead_time", "longitude")}
    whole = murphy_diagram(forecast, analysis, **options)
    monkeypatch.setattr(elementary, "MOST_VALUES", 3 * analysis.size)
    xr.testing.assert_identical(murphy_diagram(forecast, analysis, **options), whole)
    assert whole["score"].dims == ("latitude", "threshold")


def test_what_is_refused(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    options = {"threshold": [1.0, 2.0]}
    for match, call in {
        "functional: expected one of": lambda: murphy_diagram(forecast, analysis, functional="mode", **options),
        "level: expected a number between 0 and 1": lambda: murphy_diagram(
            forecast, analysis, functional="quantile", level=1.0, **options
        ),
        "level: expected 0.5 for the mean": lambda: murphy_diagram(forecast, analysis, level=0.9, **options),
        "risk: expected a number between 0 and 1": lambda: firm(forecast, analysis, risk=0.0, **options),
        "threshold_weights: expected 2 positive": lambda: firm(
            forecast, analysis, risk=0.5, threshold_weights=[1, 0], **options
        ),
        "threshold_weights: expected numbers": lambda: firm(
            forecast, analysis, risk=0.5, threshold_weights="heavy", **options
        ),
        "thresholds: expected increasing": lambda: firm(forecast, analysis, risk=0.5, threshold=[2.0, 1.0]),
        "discount_distance: expected a number of 0": lambda: firm(
            forecast, analysis, risk=0.5, discount_distance=-1.0, **options
        ),
        "discount_distance: expected 0 or infinity": lambda: firm(
            forecast, analysis, risk=0.5, discount_distance=1.0, **options
        ),
    }.items():
        with pytest.raises(UnscorableError, match=rf"^{match}[^\n]*$"):
            call()
