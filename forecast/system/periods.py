"""The periods of the system file: which days are trained on, tuned on and tested on."""

from datetime import date
from typing import Self

from pydantic import model_validator

from data_catalog.layout.times import FIRST_YEAR, LAST_YEAR
from forecast.system.section import Section


class Period(Section):
    """A range of calendar days, UTC; both ends are included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start.year < FIRST_YEAR or self.end.year > LAST_YEAR:
            raise ValueError(f"expected days in {FIRST_YEAR} to {LAST_YEAR}, found {self.start} to {self.end}")
        if self.end < self.start:
            raise ValueError(f"expected end not before start {self.start}, found {self.end}")
        return self

    def overlaps(self, other: "Period") -> bool:
        """Return whether a day lies in both periods.

        Args:
            other: Another period.
        """
        return self.start <= other.end and other.start <= self.end


class Periods(Section):
    """The days that may be used for training, for tuning, and for the test."""

    training: Period
    validation: Period
    """Days that tuning and calibration are judged on. The final training may include them."""
    test: Period
    """Days that nothing is ever fitted to."""

    @model_validator(mode="after")
    def _test_apart(self) -> Self:
        for name, other in (("training", self.training), ("validation", self.validation)):
            if other.overlaps(self.test):
                raise ValueError(f"expected a test period apart from {name}, found {self.test} and {other}")
        return self
