"""Control limits of a spread, from earlier runs."""

import numpy as np
import pytest

from forecast.products.checks.limits import FEWEST_RUNS, control_limits


def test_limits_follow_the_scatter_of_earlier_runs() -> None:
    logs = np.random.default_rng(0).normal(np.log(200), 0.2, 500)
    limits = control_limits(np.exp(logs).tolist())
    assert limits is not None
    assert limits.usual == pytest.approx(200, rel=0.05)
    assert np.log(limits.high / limits.usual) == pytest.approx(5 * 0.2, rel=0.1)
    assert control_limits([200.0] * (FEWEST_RUNS - 1) + [0.0, float("nan")]) is None
    steady = control_limits([200.0] * FEWEST_RUNS)
    assert steady is not None
    assert (steady.low, steady.high) == (pytest.approx(200 / 1.5), pytest.approx(300))
