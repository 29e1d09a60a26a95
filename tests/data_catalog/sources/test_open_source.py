"""The data of a catalogue entry, on the requested days."""

from datetime import date

import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source


def test_both_end_days_are_included() -> None:
    chosen = open_source(dataset("speedy-5p6"), start=date(2008, 2, 28), end=date(2008, 3, 1))
    assert chosen["time"].dt.day.values.tolist() == [28, 29, 1]


def test_days_outside_the_source() -> None:
    with pytest.raises(MissingDataError, match="expected times from 2009-01-01"):
        open_source(dataset("speedy-5p6"), start=date(2009, 1, 1))
    with pytest.raises(InvalidDataError, match="expected times to 2007-01-01"):
        open_source(dataset("speedy-5p6"), end=date(2007, 1, 1))


def test_a_dataset_without_location_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="ncep-natlantic: expected the location of its data"):
        open_source(dataset("ncep-natlantic"))
