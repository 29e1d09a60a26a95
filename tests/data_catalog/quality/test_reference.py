"""What is usual for a channel."""

import numpy as np
import pytest

from data_catalog.quality.reference import as_judged, clipped_spread, derived_fields, fit_reference, is_skewed


def test_anomalies_have_unit_spread(weather) -> None:
    usual = fit_reference("t850", weather)
    anomalies = usual.anomalies(weather.times, weather.values["t850"])
    assert np.sqrt(np.mean(anomalies**2)) == pytest.approx(1, abs=0.02)
    assert set(usual.spreads) == {"change", "course", "rough", "across", "along", "sudden"}


def test_rain_is_judged_by_its_cube_root() -> None:
    assert is_skewed("tp24")
    assert not is_skewed("t850")
    np.testing.assert_allclose(as_judged("tp24", np.array([27.0])), [3.0])


def test_a_gap_has_no_change(make_fields) -> None:
    rng = np.random.default_rng(0)
    fields = make_fields(msl=1e5 + 500 * rng.standard_normal((60, 5, 6)))
    usual = fit_reference("msl", fields)
    gapped = fields.at(np.array([*range(10), *range(12, 60)]))
    derived = derived_fields(usual.anomalies(gapped.times, gapped.values["msl"]), gapped, usual.neighbours)
    assert np.isnan(derived["change"][[0, 10]]).all()
    assert np.isfinite(derived["change"][11]).all()
    assert np.isnan(derived["course"][[0, 9, 10, -1]]).all()


def test_a_spread_is_hardly_moved_by_a_spike() -> None:
    values = np.random.default_rng(0).standard_normal((400, 2, 2)).astype(np.float32)
    clean = clipped_spread(values)
    values[7] = 1000
    assert (clipped_spread(values) < 3 * clean).all()
