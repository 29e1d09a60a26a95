"""The expected field at each time."""

import numpy as np

from data_catalog.quality.seasons import fit_seasons, has_nan, hours_of_day

YEAR = np.datetime64("2001-01-01", "ns") + np.arange(730) * np.timedelta64(24, "h")


def _cycle(times: np.ndarray) -> np.ndarray:
    days = (times - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")
    return np.cos(2 * np.pi * days / 365.2425)[:, None, None] * np.ones((1, 2, 3))


def test_an_annual_cycle_is_found_and_continued() -> None:
    values = (10 * _cycle(YEAR)).astype(np.float32)
    later = YEAR + np.timedelta64(730, "D")
    np.testing.assert_allclose(fit_seasons(YEAR, values).expected(later), 10 * _cycle(later), atol=0.01)


def test_a_spike_moves_it_little() -> None:
    values = _cycle(YEAR).astype(np.float32)
    values[100] += 300
    assert np.abs(fit_seasons(YEAR, values).expected(YEAR) - _cycle(YEAR)).max() < 1


def test_a_short_past_gives_a_trend() -> None:
    times = YEAR[:60]
    values = np.linspace(0, 6, 60)[:, None, None].astype(np.float32) * np.ones((1, 2, 2), np.float32)
    np.testing.assert_allclose(fit_seasons(times, values).expected(times), values, atol=1e-3)
    assert fit_seasons(times, values).expected(YEAR[400:401]).max() <= 6.01


def test_hours_of_the_day_have_their_own() -> None:
    times = np.datetime64("2001-01-01", "ns") + np.arange(480) * np.timedelta64(6, "h")
    values = hours_of_day(times).astype(np.float32)[:, None, None] * np.ones((1, 1, 2), np.float32)
    np.testing.assert_allclose(fit_seasons(times, values).expected(times), values, atol=1e-3)


def test_missing_values_are_seen() -> None:
    assert has_nan(np.array([1.0, np.nan], np.float32))
    assert not has_nan(np.ones(3, np.float32))
