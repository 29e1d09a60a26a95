"""Members keep their order, and have the spread of the distribution."""

import numpy as np
import pytest

from forecast.postprocessing.emos import Regression
from forecast.postprocessing.members import ensemble_copula_coupling, quantile_members, scaled_members


def test_coupling_keeps_the_order() -> None:
    assert ensemble_copula_coupling(np.array([3.0, 1.0, 2.0]), np.array([10.0, 30.0, 20.0])).tolist() == [30, 10, 20]


@pytest.mark.parametrize("make", [quantile_members, scaled_members])
def test_members_have_rank_mean_and_spread(make: object) -> None:
    raw = np.random.default_rng(0).normal(5, 0.3, (50, 21))
    predictors = np.stack([np.ones(50), raw.mean(-1)], -1)
    found = make(raw, Regression("normal", (1.0, 1.0), (2.0, 0.0)), predictors)  # type: ignore[operator]
    assert (np.argsort(found, -1) == np.argsort(raw, -1)).all()
    np.testing.assert_allclose(found.mean(-1), raw.mean(-1) + 1)
    np.testing.assert_allclose(found.var(-1, ddof=1) * 22 / 21, 4, rtol=0.1)
