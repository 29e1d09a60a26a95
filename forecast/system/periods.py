"""TODO: forecast/system/periods.py."""

from datetime import date
from typing import Self

from pydantic import model_validator

from forecast.system.section import Section


class Period(Section):
    """Calendar days, both ends included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"expected end not before start {self.start}, found {self.end}")
        return self

    def overlaps(self, other: "Period") -> bool:
        """Whether a day is in both."""
        return self.start <= other.end and other.start <= self.end


class Periods(Section):
    """Which days may be used for what."""

    training: Period
    validation: Period
    """Watched while tuning; a last training may include it."""
    test: Period
    """Never fitted to."""

    @model_validator(mode="after")
    def _test_apart(self) -> Self:
        for name, other in (("training", self.training), ("validation", self.validation)):
            if other.overlaps(self.test):
                raise ValueError(f"expected a test period apart from {name}, found {self.test} and {other}")
        return self
