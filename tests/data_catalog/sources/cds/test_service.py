"""The API of the Climate Data Store: its refusals, and the key."""

import logging
import sys
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.cds.replica import ENTRY, KEY, Replica


@pytest.mark.parametrize(
    ("fate", "error", "said"),
    [
        ("licence", ConfigurationError, "expected that its licence is accepted, .*https://example.org/licence"),
        ("invalid", InvalidDataError, "expected a request that the service takes, found it refused"),
    ],
)
def test_refusals_say_what_to_do(service: Replica, fate: str, error: type[Exception], said: str) -> None:
    service.fates = [fate]
    with pytest.raises(error, match=said):
        open_source(ENTRY, service.url)


def test_the_key_is_sent_to_its_address_only_and_never_shown(
    service: Replica, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("CDSAPI_URL")
    with pytest.raises(ConfigurationError, match=r"expected the address that the key is for, https://cds\.climate"):
        open_source(ENTRY, service.url)
    monkeypatch.delenv("CDSAPI_KEY")
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "rc"))
    with pytest.raises(ConfigurationError, match=r"expected a key in CDSAPI_KEY or .*rc, found none"):
        open_source(ENTRY, service.url)
    (tmp_path / "rc").write_text(f"url: {service.url}\nkey: wrong-{KEY}\n")
    with pytest.raises(ConfigurationError, match="expected a key that the service takes, found it refused") as caught:
        open_source(ENTRY, service.url)
    (tmp_path / "rc").write_text(f"url: {service.url}\nkey: {KEY}\n")
    open_source(ENTRY, service.url)
    kept = [path.read_text() for path in (tmp_path / "home").rglob("*.json")]
    assert len(kept) == 5
    assert not any(KEY in text for text in [caplog.text, str(caught.value), *kept])


def test_without_the_client_the_way_out_is_said(service: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecmwf.datastores", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'plumecast\[cds\]'"):
        open_source(ENTRY, service.url)
