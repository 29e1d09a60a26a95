import numpy as np

from forecast.explanation.fields import computations, explain, explanation_dataset
from tests.forecast.explanation.conftest import INIT


def test_gradients_are_in_physical_units(planted, ensemble_of, outcome_of, checkpoint):
    done: list[tuple[int, str]] = []
    made = explain(
        ensemble_of(planted, members=8), outcome_of(), random=2, done=lambda count, part: done.append((count, part))
    )
    found = explanation_dataset(made)
    assert [done[0][1], done[-1][1]] == ["gradients", "check"]
    assert done[-1][0] == computations(8, random=2)
    deviation = checkpoint.standardiser.std
    to_wind = found["mean_to_u850"]
    np.testing.assert_allclose(to_wind[1, 2, 7], 2 * deviation[0] / deviation[1], rtol=1e-4)
    assert to_wind.attrs["units"] == "m2 s-2 (m s-1)-1"
    assert int((to_wind != 0).sum()) == 1
    assert found["spread_to_tp24"].attrs["units"] == "m2 s-2"
    assert "standard deviation of the square root" in found["spread_to_tp24"].attrs["long_name"]
    assert found["standard_deviation"].values.tolist() == [deviation[0], deviation[1], 1.0]
    assert found["init_time"].values == INIT
    assert (found["input_time"].values == [INIT - np.timedelta64(1, "D"), INIT]).all()
    assert found["outcome"].sizes == {"member": 8}
    at_start = float(ensemble_of(planted).starts[0, 0, 2, 6, 11])
    brought = (float(deviation[0]) * (1 + 0.3 * at_start)) ** 2
    np.testing.assert_allclose(found["linear_share"] * found["outcome"].var(ddof=1), brought, rtol=1e-3)
    assert found.attrs["check_correlation_mean"] > 0.99


def test_all_fields_have_words_and_units(ensemble_of, outcome_of):
    found = explanation_dataset(explain(ensemble_of(members=4), outcome_of("tp24", 2), random=1))
    assert all({"long_name", "units"} <= set(field.attrs) for field in found.data_vars.values())
    assert found["mean_to_noise"].dims == ("lead_time", "draw", "channel", "latitude", "longitude")
    assert found["noise_variance"].dims == ("lead_time", "channel", "latitude", "longitude")
    assert found["noise_variance"].attrs["units"] == f"({found['outcome'].attrs['units']})2"
    assert (found["upper_bound"] >= found["linear_share"]).all()
