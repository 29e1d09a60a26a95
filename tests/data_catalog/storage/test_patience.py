"""Remote stores are asked again."""

from collections.abc import Callable

import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from data_catalog.errors import ConfigurationError, DefiniteFaultError, InvalidDataError, MissingDataError
from data_catalog.storage.patience import Patience, ask, explained, happened, is_outage, patience_for

QUICK = Patience(outage_s=0.2, first_wait_s=0.001, longest_wait_s=0.004)
BUSY = GenericError("Generic HTTP error: Server error, body contains Error, status: 503 Service Unavailable")
DOWN = GenericError("error sending request for url (http://bob:pw@host/x?sig=1): tcp connect error: refused")


def failing(errors: list[Exception]) -> Callable[[], str]:
    def read() -> str:
        if errors:
            raise errors.pop(0)
        return "values"

    return read


@pytest.mark.parametrize(
    "errors", [[BUSY] * 12, [DOWN], [PermissionDeniedError("403")] * 3, [ValueError("cannot decode")] * 3, []]
)
def test_what_passes_is_survived(errors: list[Exception]) -> None:
    assert ask(failing(list(errors)), QUICK, "a store") == "values"


def test_what_does_not_pass_ends_after_some_requests_or_the_deadline() -> None:
    for error, most in ((ValueError("cannot decode"), 4), (PermissionDeniedError("403"), 4)):
        errors: list[Exception] = [error] * 10
        with pytest.raises(type(error)):
            ask(failing(errors), QUICK, "a store")
        assert len(errors) == 10 - most
    endless: list[Exception] = [DOWN] * 10_000
    with pytest.raises(GenericError):
        ask(failing(endless), QUICK, "a store")
    assert 9_000 < len(endless) < 9_990
    with pytest.raises(ConfigurationError):
        ask(failing([ConfigurationError("wrong")]), QUICK, "a store")


def test_what_arrived_whole_and_is_wrong_is_not_asked_for_again() -> None:
    for error, most in ((DefiniteFaultError("no such unit"), 1), (InvalidDataError("a page of HTML"), 4)):
        errors: list[Exception] = [error] * 10
        with pytest.raises(InvalidDataError):
            ask(failing(errors), QUICK, "a store")
        assert len(errors) == 10 - most


def test_an_outage_is_said_once_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    ask(failing([DOWN] * 5), QUICK, "http://bob:pw@host/x?sig=1")
    assert len(caplog.messages) == 1
    assert "http://host/x?...: a refused connection; asking again" in caplog.text


def test_waits_double_to_a_limit_and_are_shortened_at_random() -> None:
    waits = [wait for wait, _ in zip(Patience(first_wait_s=1, longest_wait_s=60).waits(), range(12), strict=False)]
    for number, wait in enumerate(waits):
        assert 0.5 * min(2**number, 60) <= wait <= min(2**number, 60)
    assert sum(waits) > 120


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (BUSY, MissingDataError, "expected an answer, found HTTP status 503"),
        (DOWN, MissingDataError, "expected an answer, found a refused connection"),
        (PermissionDeniedError("403"), ConfigurationError, r"expected permission to read, found a refusal \(HTTP"),
        (ValueError("cannot decode"), InvalidDataError, "expected values, found cannot decode"),
        (GenericError("status: 501 Not Implemented PROPFIND"), InvalidDataError, "found HTTP status 501"),
    ],
)
def test_errors_are_told_by_kind(error: Exception, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        raise explained(error, "a store", "values")


def test_only_remote_places_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience_for("/data/a.zarr") is None
    assert patience_for("file:///data/a.zarr") is None
    assert patience_for("gs://bucket/a.zarr") == Patience()
    monkeypatch.setenv("PLUMECAST_PATIENCE", "5")
    assert patience_for("https://host/a.zarr") == Patience(outage_s=5)
    monkeypatch.setenv("PLUMECAST_PATIENCE", "soon")
    with pytest.raises(ConfigurationError, match="PLUMECAST_PATIENCE: expected a number of seconds, found 'soon'"):
        patience_for("https://host/a.zarr")


def test_a_client_error_is_no_outage() -> None:
    assert not is_outage(GenericError("Client error with status 400 Bad Request"))
    assert is_outage(GenericError("Client error with status 429 Too Many Requests"))
    assert happened(GenericError("operation timed out")) == "no answer in time"


def test_the_sample_that_is_read_twice_has_the_stated_share(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"t/{number}.0.0" for number in range(20_000)]
    for share in (0.0, 0.1, 1.0):
        assert sum(map(Patience(read_twice=share).reads_twice, keys)) / 20_000 == pytest.approx(share, abs=0.01)
    monkeypatch.setenv("PLUMECAST_READ_TWICE", "2")
    with pytest.raises(ConfigurationError, match="PLUMECAST_READ_TWICE: expected a share from 0 to 1, found '2'"):
        patience_for("https://host/a.zarr")
