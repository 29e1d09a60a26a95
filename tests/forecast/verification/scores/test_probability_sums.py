"""Sums over events add over periods, and give the scores of all events together."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import (
    UnscorableError,
    area_weights,
    brier_decomposition,
    relative_economic_value,
    roc,
)
from forecast.verification.scores.probability_curves import economic_value, murphy_parts, operating_characteristic
from forecast.verification.scores.probability_sums import probability_sums

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def test_sums_count_every_event_once(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    sums = probability_sums(forecast, analysis, threshold=2.0, reduce=analysis.dims)
    share, happened = (forecast > 2).mean("member").values, (analysis > 2).values
    np.testing.assert_allclose(sums["probability"], np.arange(10) / 9)
    for index, probability in enumerate(np.arange(10) / 9):
        issued = np.isclose(share, probability)
        assert float(sums["issued"][index]) == float(sums["points"][index]) == issued.sum()
        assert float(sums["happened"][index]) == (issued & happened).sum()


def test_sums_of_single_leads_give_the_scores_of_all(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    weights = area_weights(analysis["latitude"])
    options = {"threshold": 2.0, "weights": weights}
    grid, every = ("latitude", "longitude"), analysis.dims
    added = probability_sums(forecast, analysis, reduce=grid, **options).sum("lead_time")
    whole = brier_decomposition(forecast, analysis, reduce=every, **options)
    xr.testing.assert_allclose(murphy_parts(added), whole)
    xr.testing.assert_allclose(operating_characteristic(added), roc(forecast, analysis, reduce=every, **options))
    value = relative_economic_value(forecast, analysis, reduce=every, **options)
    xr.testing.assert_allclose(economic_value(added), value)


def test_events_are_collected_over_something(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    with pytest.raises(UnscorableError, match=r"reduce: expected dimensions among .*, found none"):
        probability_sums(forecast, analysis, threshold=2.0, reduce=())
