"""Retires files of a published run in one step: readers find the run with them, or without them and told so."""

from dataclasses import dataclass
from typing import Literal

from data_catalog.storage.locks import lock
from forecast.products.files.retired import retire_files
from forecast.products.files.runs import RunDirectory
from forecast.products.page.notices import add_notice
from pipelines.runs import staging

What = Literal["members", "products"]


@dataclass(frozen=True)
class Retirement:
    """Files of one run that are to be retired.

    Attributes:
        run: The published run.
        what: `members`, or `products` with figures and page.
        age_days: Days since they were made.
    """

    run: RunDirectory
    what: What
    age_days: float

    @property
    def names(self) -> list[str]:
        """Names of the files and directories that are there, relative to the run directory."""
        members, products = [self.run.forecast, self.run.zarr], [self.run.products, self.run.plots, self.run.report]
        return [path.name for path in (members if self.what == "members" else products) if path.exists()]

    @property
    def size(self) -> int:
        """Bytes of these files."""
        places = [self.run.path / name for name in self.names]
        files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
        return sum(file.stat().st_size for file in files if file.is_file())


def retire(retirement: Retirement, day: str) -> None:
    """Retire files of a run; a kill at any moment leaves the run as it was or as it is to be.

    Args:
        retirement: What is retired.
        day: Today, ISO 8601.

    Raises:
        MissingDataError: Another process is working on the run.
    """
    run, names = retirement.run, retirement.names
    with lock(staging.lock_path(run), f"run {run.path}"):
        stage = staging.begin_without(run, names)
        changed = [stage.report] if stage.report.exists() else []
        for page in changed:
            add_notice(page, f"The {retirement.what} of this run were retired on {day}; links to them lead nowhere.")
        retire_files(stage.path, names, day, changed)
        staging.publish(run)
