"""A server for one flow is there while it is needed, and not afterwards."""

import os
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.flows.server import answers, prefect_server, short_lived_server
from pipelines.workspace.home import Home


@pytest.fixture(autouse=True)
def _unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    monkeypatch.setattr(os, "environ", environment | {"HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path)})


def test_a_configured_server_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    os.environ["PREFECT_API_URL"] = "http://there/api"
    for server in (short_lived_server(Home(tmp_path)), prefect_server(Home(tmp_path), 4200)):
        with server as address:
            assert address == "http://there/api"
    assert os.environ["PREFECT_API_URL"] == "http://there/api"


def test_a_server_for_one_flow_ends_with_it(tmp_path: Path) -> None:
    with short_lived_server(Home(tmp_path)) as address:
        assert answers(address)
        assert os.environ["PREFECT_API_URL"] == address
    assert not answers(address)
    assert "PREFECT_API_URL" not in os.environ


def test_a_server_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pipelines.flows.server.tied_command", lambda _: ["false"])
    with (
        pytest.raises(ConfigurationError, match=r"expected it to start, found exit status 1; see .*server\.log"),
        short_lived_server(Home(tmp_path)),
    ):
        pass
