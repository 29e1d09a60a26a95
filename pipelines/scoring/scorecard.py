"""Scorecards from score archives: whom to compare, and over what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.layout.times import day
from data_catalog.suggestions import did_you_mean
from forecast.verification.archive.archive import ArchivedForecaster, archived_forecasters, open_score_archive
from forecast.verification.comparison.scorecard import scorecard
from forecast.verification.evaluation_report import MODEL
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system, system_names

REFERENCES = ("linear", "climatology", "persistence")


@dataclass(frozen=True)
class ScoredForecaster:
    """One of the two that are compared.

    Attributes:
        archive: Score archive.
        found: What the archive holds of the forecaster.
    """

    archive: Path
    found: ArchivedForecaster

    @property
    def system(self) -> str:
        """Name of the system; that of the archive for forecasts from elsewhere."""
        return self.found.about.get("named", self.archive.name)

    @property
    def words(self) -> str:
        """Name without its version."""
        return self.found.name.partition("@")[0]


@dataclass(frozen=True)
class Selection:
    """What of two forecasters is compared; all that both have where nothing is named.

    Attributes:
        score: `crps`, `rmse` or `mae`.
        start: First init time.
        end: Last init time.
        channels: Which.
        regions: Which.
        init_times: Which, and no others.
    """

    score: str = "crps"
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    channels: Sequence[str] = ()
    regions: Sequence[str] = ()
    init_times: Sequence[np.datetime64] = ()


def find_score_archives(home: Home, names: Sequence[str]) -> list[Path]:
    """The score archives of one or two systems, or directories that are such.

    Raises:
        ConfigurationError: A name is neither, or there are more than two.
        MissingDataError: Nothing of a system has been scored yet.
    """
    if len(names) > 2:
        raise ConfigurationError(f"scorecard: expected one or two systems or score archives, found {len(names)}")
    return [_score_archive(home, name) for name in names]


def _score_archive(home: Home, name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir() and name not in system_names():
        return path
    if "/" not in name and home.score_archive(name).is_dir():
        return home.score_archive(name)
    archive = home.score_archive(find_system(name).name)
    if not archive.is_dir():
        raise MissingDataError(
            f"score archive of '{name}': expected {archive}, found none; 'plumecast evaluate', 'verify' and 'cycle' "
            "fill it"
        )
    return archive


def choose_forecasters(
    archives: Sequence[Path], forecaster: str | None = None, reference: str | None = None
) -> tuple[ScoredForecaster, ScoredForecaster]:
    """Who is compared with whom.

    Args:
        archives: One, or that of the forecaster and that of the reference.
        forecaster: Name with or without its version; the model when None.
        reference: Alike; the model of a second archive, else the first of linear, climatology and persistence that is
            there, when None.

    Raises:
        ConfigurationError: A name fits none or several.
    """
    first, second = archives[0], archives[-1]
    ours = find_forecaster(first, forecaster or _default(first), "--forecaster")
    if reference is None and len(archives) > 1:
        reference = _default(second)
    if reference is None:
        names = [found.name.partition("@")[0] for found in archived_forecasters(first)]
        reference = next((name for name in REFERENCES if name in names and name != ours.words), None)
    if reference is None:
        raise ConfigurationError(f"--reference: expected one of {_listed(archived_forecasters(first))}, found none")
    return ours, find_forecaster(second, reference, "--reference", members=ours.found.about.get("members"))


def find_forecaster(archive: Path, name: str, option: str, members: str | None = None) -> ScoredForecaster:
    """The forecaster of a name in an archive.

    Args:
        archive: Score archive.
        name: With or without its version, or the beginning of that.
        option: To begin an error with.
        members: Of several versions, prefer the one with so many.

    Raises:
        ConfigurationError: The name fits none or several.
    """
    there = archived_forecasters(archive)
    exact = [found for found in there if found.name == name]
    begun = [found for found in there if found.name.startswith(name if "@" in name else f"{name}@")]
    fitting = exact or begun
    if len(fitting) > 1 and members is not None:
        alike = [found for found in fitting if found.about.get("members") == members]
        fitting = alike if len(alike) == 1 else fitting
    if len(fitting) != 1:
        found = f"'{name}', which is several" if fitting else f"'{name}'"
        raise ConfigurationError(
            f"{option}: expected one of {_listed(fitting or there)} of score archive {archive}, found {found}"
        )
    return ScoredForecaster(archive, fitting[0])


def compare(ours: ScoredForecaster, theirs: ScoredForecaster, selection: Selection = Selection()) -> xr.Dataset:
    """The scorecard of two forecasters.

    Raises:
        ConfigurationError: A channel or region is unknown to one of them.
        UnscorableError: They share too little.
    """
    joined = joined_sums(ours, theirs, selection)
    for axis, names in (("channel", selection.channels), ("region", selection.regions)):
        if names:
            joined = joined.sel({axis: list(names)})
    if selection.init_times:
        joined = joined.sel(init_time=np.isin(joined["init_time"].values, np.array(selection.init_times)))
    card = scorecard(joined, "forecaster", "reference", score=selection.score)
    return card.assign_attrs(forecaster=ours.found.name, reference=theirs.found.name)


def joined_sums(ours: ScoredForecaster, theirs: ScoredForecaster, selection: Selection = Selection()) -> xr.DataArray:
    """The archived sums of two forecasters, named `forecaster` and `reference`; NaN where one of them has none.

    Raises:
        ConfigurationError: A channel or region is unknown to one of them.
    """
    sums = [_sums(side, name, selection) for side, name in ((ours, "forecaster"), (theirs, "reference"))]
    return xr.concat(sums, "forecaster", join="outer", coords="minimal", compat="override")


def _sums(side: ScoredForecaster, name: str, selection: Selection) -> xr.DataArray:
    archive = open_score_archive(
        side.archive, start=selection.start, end=selection.end, forecasters=[side.found.name], ranks=False
    )
    sums = archive["sums"].assign_coords(forecaster=[name])
    for axis, option, names in (
        ("channel", "--channel", selection.channels),
        ("region", "--region", selection.regions),
    ):
        known = sums[axis].values.tolist()
        for wanted in names:
            if wanted not in known:
                raise ConfigurationError(
                    f"{option}: expected one of {', '.join(known)} of {side.found.name}, found '{wanted}'"
                    f"{did_you_mean(wanted, known)}"
                )
    return sums


def _default(archive: Path) -> str:
    """The model, or the only one who is no baseline."""
    names = list(dict.fromkeys(found.name for found in archived_forecasters(archive)))
    if any(name.partition("@")[0] == MODEL for name in names):
        return MODEL
    others = [name for name in names if name.partition("@")[0] not in REFERENCES]
    return others[0] if len(others) == 1 else MODEL


def _steps(found: ArchivedForecaster) -> str:
    hours = found.about.get("step_hours")
    return f"steps of {hours} h, " if hours else ""


def _listed(forecasters: Sequence[ArchivedForecaster]) -> str:
    return ", ".join(
        f"{found.name} ({found.about.get('members', '?')} members, {_steps(found)}{len(found.init_times)} cycles, "
        f"{day(found.init_times[0])} to {day(found.init_times[-1])})"
        for found in forecasters
    )
