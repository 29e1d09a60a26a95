"""The retention section of the system file: how long the files of a run are kept."""

from typing import Self

from pydantic import model_validator

from forecast.system.section import Positive, Section


class Retention(Section):
    """How long the files of a run are kept after they were made; its scores, checks and manifest are kept for ever."""

    members_days: Positive | None = 30
    """Days for which the members are kept, NetCDF and Zarr; None for ever."""
    products_days: Positive | None = 365
    """Days for which products, figures and page are kept; None for ever."""

    @model_validator(mode="after")
    def _members_first(self) -> Self:
        members, products = self.members_days or float("inf"), self.products_days or float("inf")
        if products < members:
            raise ValueError(f"products_days: expected at least members_days, {self.members_days}, found {products}")
        return self
