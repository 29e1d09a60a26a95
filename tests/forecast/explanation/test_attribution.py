import numpy as np
import pytest

from forecast.explanation.attribution import shares_of, total_shares
from tests.forecast.explanation.test_gradients import adjoints


def test_shares_of_a_linear_model_are_known(linear, ensemble_of, outcome_of):
    """They are the squared adjoints of the noise, and sum to 1."""
    made, _ = adjoints(linear, 3)
    variances = np.array([float((linear[3].T @ made[2 - step]).square().sum()) for step in range(3)])
    expected = variances / variances.sum()
    done: list[int] = []
    found = total_shares(ensemble_of(linear[0], members=200, batch_size=50), outcome_of(lead_step=3), done.append)
    assert sum(done) == 200
    assert (np.abs(found.share - expected) < 4 * found.error + 1e-3).all()
    assert found.share.argmax() == expected.argmax()


def test_jackknife_errors_are_those_of_repetition():
    generator = np.random.default_rng(4)
    shares, errors = [], []
    for _ in range(300):
        kept_part, first, second = generator.normal(size=(3, 40))
        found = shares_of(kept_part + 0.5 * first, (kept_part + 0.5 * second)[None])
        shares.append(found.share[0])
        errors.append(found.error[0])
    assert np.mean(shares) == pytest.approx(0.2, abs=0.02)
    assert np.mean(errors) == pytest.approx(np.std(shares), rel=0.2)


def test_an_outcome_without_variance_has_no_shares():
    assert np.isnan(shares_of(np.ones(5), np.ones((2, 5))).share).all()
