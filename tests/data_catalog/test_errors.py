"""Errors that callers distinguish."""

import pytest

from data_catalog.errors import ConfigurationError, DivergedError, InvalidDataError, MissingDataError, PlumecastError


def test_all_errors_are_plumecast_errors_and_only_missing_data_is_retried() -> None:
    for fault in (ConfigurationError, InvalidDataError, MissingDataError, DivergedError):
        assert issubclass(fault, PlumecastError)
    assert not issubclass(MissingDataError, InvalidDataError)
    with pytest.raises(InvalidDataError, match="not finite"):
        raise DivergedError("msl: not finite")
