"""A replica of the Climate Data Store, and no wait for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data_catalog.sources.cds.replica import KEY, Replica, serving


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    monkeypatch.setattr("data_catalog.sources.cds.jobs._FIRST_POLL_S", 0.01)
    monkeypatch.setattr("data_catalog.sources.cds.jobs._LONGEST_POLL_S", 0.01)
    for name in ("ECMWF_DATASTORES_KEY", "CDSAPI_RC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    with serving(Replica()) as replica:
        monkeypatch.setenv("CDSAPI_URL", replica.url)
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        yield replica
