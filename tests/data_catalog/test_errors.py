"""Faults that callers tell apart."""

import pytest

from data_catalog.errors import ConfigurationError, DivergedError, InvalidDataError, MissingDataError, PlumecastError


def test_every_fault_is_ours_and_only_missing_data_is_worth_another_try() -> None:
    for fault in (ConfigurationError, InvalidDataError, MissingDataError, DivergedError):
        assert issubclass(fault, PlumecastError)
    assert not issubclass(MissingDataError, InvalidDataError)
    with pytest.raises(InvalidDataError, match="not finite"):
        raise DivergedError("msl: not finite")
