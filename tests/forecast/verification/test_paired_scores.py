"""Scores of the same starts are compared start by start."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.paired_scores import PairedScores


def scored(crps: list[float], inflated_variance: float = 1.0) -> PairedScores:
    """Scores of one channel and lead time over several starts, each of weight 2 and squared error 1."""
    means = {"crps": crps, "squares": 1, "absolute": 1, "bias": 0, "variance": 1, "inflated": inflated_variance}
    sums = {"weight": 2.0, **{name: 2 * np.asarray(mean) for name, mean in means.items()}}
    values = np.stack([np.broadcast_to(value, len(crps)) for value in sums.values()], axis=-1)
    dims = ("start", "channel", "lead_time", "statistic")
    return PairedScores(
        xr.DataArray(
            values[:, None, None],
            dims=dims,
            coords={"channel": ["msl"], "lead_time": [np.timedelta64(24, "h")], "statistic": list(sums)},
        )
    )


def test_the_relative_crps_pools_the_starts() -> None:
    assert scored([1.0, 2.0]).relative_crps(scored([2.0, 4.0])) == 0.5


def test_a_gain_has_the_error_of_paired_starts() -> None:
    gain, error = scored([1.0, 2.0, 3.0]).gain(scored([2.0, 3.0, 4.0]), reference=scored([2.0, 2.0, 2.0]))
    assert (gain, error) == (0.5, 0.0)
    gain, error = scored([1.0, 1.0]).gain(scored([1.0, 3.0]), reference=scored([2.0, 2.0]))
    assert gain == pytest.approx(0.5)
    assert error == pytest.approx(np.std([0.0, 1.0], ddof=1) / np.sqrt(2))
    assert scored([1.0]).gain(scored([2.0]), reference=scored([1.0])) == (1.0, np.inf)


def test_the_log_of_spread_over_skill() -> None:
    value, error = scored([1.0, 1.0], inflated_variance=4.0).log_spread_skill()
    assert value == pytest.approx(np.log([[2.0]]))
    assert error == pytest.approx(0.0, abs=1e-12)
    value, error = scored([1.0], inflated_variance=0.25).log_spread_skill()
    assert value == pytest.approx(np.log([[0.5]]))
    assert error == 1.0
