import numpy as np
import pytest

from forecast.explanation.consistency import ConsistencyCheck, check_consistency
from forecast.explanation.gradients import sensitivity


@pytest.mark.parametrize("lead_step", [1, 3])
def test_a_trained_model_changes_as_its_maps_predict(ensemble_of, outcome_of, lead_step):
    ensemble, outcome = ensemble_of(members=6), outcome_of(lead_step=lead_step)
    check = check_consistency(ensemble, outcome, sensitivity(ensemble, outcome), random=5)
    assert check.kinds == ("random",) * 5 + ("along the map of the mean",) * 2 + ("along the map of the spread",) * 2
    assert check.correlation("mean") > 0.99
    assert check.correlation("mean", random_only=True) > 0.99
    assert check.correlation("spread") > 0.9
    np.testing.assert_allclose(check.measured[0, 5:7], check.predicted[0, 5:7], rtol=0.1)
    assert (check.sizes < 0.1).all()


def test_wrong_maps_fail(ensemble_of, outcome_of):
    ensemble, outcome = ensemble_of(members=6), outcome_of(lead_step=2)
    found = sensitivity(ensemble, outcome)
    found.state._sum = found.state._sum.roll(5, dims=-1)  # type: ignore[union-attr]
    assert check_consistency(ensemble, outcome, found, random=6).correlation("mean", random_only=True) < 0.9


def test_the_correlation_is_not_that_of_the_largest_few():
    kinds = ("random", "random", "random", "along the map of the mean")
    predicted = np.array([[1.0, -1.0, 1.0, 100.0]] * 2)
    measured = np.array([[-1.0, 1.0, -1.0, 100.0]] * 2)
    check = ConsistencyCheck(kinds, np.ones(4), predicted, measured)  # type: ignore[arg-type]
    assert check.correlation("mean") < 0
    assert check.correlation("mean", random_only=True) == pytest.approx(-1)
    nothing = ConsistencyCheck(kinds, np.ones(4), 0 * predicted, measured)  # type: ignore[arg-type]
    assert np.isnan(nothing.correlation("spread"))
