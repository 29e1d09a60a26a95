"""What checks found is written and read again."""

from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.files.checked import Check, CheckedRun, read_checked, write_checked


def test_what_was_found_is_read_again(tmp_path: Path) -> None:
    path, checks = tmp_path / "checks.json", {"finite": Check(outcome="passed", measured=3, unit="values")}
    checked = CheckedRun(checks=checks, lead_hours=(24, 48), spread={"msl": (100.0, 200.0)})
    assert read_checked(path) is None
    assert read_checked(write_checked(path, checked)) == checked
    assert checked.outcomes() == {"finite": "passed"}
    path.write_text('{"checks": {"finite": {"outcome": "fine", "measured": 1, "unit": "values"}}}')
    with pytest.raises(InvalidDataError, match=r"expected outcomes of checks; .*outcome"):
        read_checked(path)
