"""What a source says of times that it lacks travels with the analysis."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError, NeverAvailableError
from data_catalog.layout.checks import check_analysis
from data_catalog.layout.coordinates import at_times
from data_catalog.sources.absences import Absence, absence_at, absences_of, before, with_absences
from data_catalog.sources.open_source import between

MakeAnalysis = Callable[..., xr.Dataset]


def _time(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


def test_statements_survive_checks_and_choices_and_the_first_counts(make_analysis: MakeAnalysis) -> None:
    strike = Absence("2001-01-05", "2001-01-06", "a strike")
    stated = with_absences(make_analysis(), [strike])
    stated = with_absences(stated, [Absence("2001-01-06", "", "not published yet")])
    found = absences_of(at_times(check_analysis(stated)[["msl"]], np.array([3, 8])))
    assert absences_of(make_analysis()) == ()
    assert absence_at(found, _time("2001-01-06"), _time("2001-01-06")) == strike
    assert absence_at(found, _time("2001-01-07"), _time("2040-01-07")) == found[1]
    assert absence_at(found, _time("2001-01-04"), _time("2001-01-05")) is None


def test_a_period_that_will_never_come_has_an_error_of_its_own(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    with pytest.raises(InvalidDataError) as told:
        between(analysis, date(1999, 1, 1), date(1999, 2, 1), where="tiny")
    assert not isinstance(told.value, NeverAvailableError)
    stated = with_absences(analysis, [before(analysis["time"].values[0], "its attribute x")])
    with pytest.raises(
        NeverAvailableError, match=r"tiny: .*found none: the source begins at 2001-01-01T00:00Z \(its attribute x\)"
    ):
        between(stated, date(1999, 1, 1), date(1999, 2, 1), where="tiny")
    with pytest.raises(InvalidDataError, match="found 20 times"):
        between(stated, date(2001, 1, 1), date(2000, 12, 31), where="tiny")
