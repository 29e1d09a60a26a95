"""Two weeks in which everything goes wrong once end with every cycle published or explained."""

from pathlib import Path

import pytest

from data_catalog.storage.patience import VARIABLE
from tests.year.campaign import campaign

DAYS = 14


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning", "ignore::DeprecationWarning")
def test_days_on_which_everything_goes_wrong(server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    counts = campaign(tmp_path, DAYS, seed=0, members_days=3, products_days=6)
    assert sum(counts["states"].values()) == DAYS
    assert counts["states"].get("verified", 0) >= 5
    assert set(counts["events"]) >= {"missing", "suspect", "outage", "downtime", "full disk", "ahead", "behind"}
