"""Fields of an interrupted fetch belong to one request, and a damaged one is fetched again."""

from pathlib import Path

import numpy as np

from pipelines.data.fetched_parts import FetchedParts

FIELD = np.arange(12, dtype=np.float32).reshape(2, 2, 3)


def fail() -> np.ndarray:
    raise AssertionError("fetched again")


def test_a_field_is_fetched_once_for_a_request(tmp_path: Path) -> None:
    parts = FetchedParts.of(tmp_path / "a.nc", "gfs", None, (6, 12))
    np.testing.assert_array_equal(parts.field("t2m", 6, FIELD.shape, lambda: FIELD), FIELD)
    again = FetchedParts.of(tmp_path / "a.nc", "gfs", None, (6, 12))
    np.testing.assert_array_equal(again.field("t2m", 6, FIELD.shape, fail), FIELD)
    np.testing.assert_array_equal(again.field("t2m", 12, FIELD.shape, lambda: FIELD + 1), FIELD + 1)
    other = FetchedParts.of(tmp_path / "a.nc", "gfs", None, (6, 18))
    np.testing.assert_array_equal(other.field("t2m", 6, FIELD.shape, lambda: FIELD + 2), FIELD + 2)
    for path in tmp_path.glob(".a.nc.parts/*"):
        path.write_bytes(path.read_bytes()[:-3])
    np.testing.assert_array_equal(parts.field("t2m", 6, FIELD.shape, lambda: FIELD + 3), FIELD + 3)
    parts.forget()
    assert not list(tmp_path.iterdir())
