"""Writes a system file for a dataset, with sizes that suit its grid, its channels, its years and this machine."""

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.clock import utc_today
from data_catalog.cores import usable_cores
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.cells import Cells
from data_catalog.layout.variables import channel
from data_catalog.sources.open_source import open_source
from data_catalog.storage.atomic_files import write_durably
from forecast.system.periods import Period, Periods
from forecast.system.reading import parse_system
from pipelines.training.sizing import Sizes, choose_sizes, split_in_time
from pipelines.workspace.home import Home
from pipelines.workspace.systems import system_names

_LEAD_DAYS = {True: 10, False: 7}
_MAP_LEAD_DAYS = (1, 3, 5, 7, 10)
_DAY_HOURS = 24


@dataclass(frozen=True)
class Weather:
    """What is known of a dataset's data.

    Attributes:
        cells: Its grid.
        first: First day.
        last: Last day.
    """

    cells: Cells
    first: date
    last: date


def write_new_system(home: Home, entry: DatasetEntry, out: Path | None = None, name: str | None = None) -> Path:
    """Write a system file that trains as it is.

    Args:
        home: Home directory, which holds the archive of the dataset if there is one.
        entry: The dataset.
        out: The file; None for one named for the dataset in the working directory.
        name: Name of the system; None for that of the dataset.

    Returns:
        The file.

    Raises:
        ConfigurationError: The file exists, or the name is that of a shipped system.
        InvalidDataError: The data covers too few days.
        MissingDataError: Neither an archive nor a source says which days there are.
    """
    path = out or Path(f"{entry.name}.toml")
    if path.exists():
        raise ConfigurationError(f"{path}: expected no file, found one; remove it, or name another with --out")
    chosen = name or (f"own-{entry.name}" if entry.name in system_names() else entry.name)
    if chosen in system_names():
        raise ConfigurationError(f"--name: expected one that no shipped system has, found '{chosen}'")
    weather = known_weather(home, entry)
    text = system_text(entry, chosen, weather, usable_cores())
    own = {} if entry.is_shipped else {"own_datasets": [entry]}
    parse_system(tomllib.loads(text) | own, origin=f"new system file {path}")
    return write_durably(path, text)


def known_weather(home: Home, entry: DatasetEntry) -> Weather:
    """Return the grid and the days of a dataset: of its archive, or else of its source, or else of its file.

    Args:
        home: Home directory, which holds the archive of the dataset if there is one.
        entry: The dataset.

    Raises:
        MissingDataError: None of them says it.
    """
    archive = home.archive(entry.name)
    if archive.exists():
        analysis = open_archive(archive)
    elif entry.has_source and not entry.is_remote:
        analysis = open_source(entry)
    elif entry.grid is not None and entry.is_remote:
        last = entry.period_end or date(utc_today().year - 1, 12, 31)
        return Weather(Cells(*entry.grid.coordinates()), entry.period_start, last)
    else:
        raise MissingDataError(
            f"{entry.name}: expected an archive that says which days there are, found none; make it with "
            f"'plumecast ingest {entry.name}'"
        )
    latitude, longitude = (analysis[name].values.astype(np.float64) for name in ("latitude", "longitude"))
    first, last = (time.astype("datetime64[D]").item() for time in analysis["time"].values[[0, -1]])
    return Weather(Cells(latitude, longitude), first, last)


def system_text(entry: DatasetEntry, name: str, weather: Weather, cores: int) -> str:
    """Return the text of a system file, with comments for whoever edits it.

    Args:
        entry: The dataset.
        name: Name of the system.
        weather: Its grid and days.
        cores: Cores that a training may use.

    Raises:
        InvalidDataError: The data covers too few days, or has no channel that can be forecast.
    """
    predictands = [one for one in entry.channels if not channel(one).variable.missing_allowed]
    if not predictands:
        raise InvalidDataError(
            f"{entry.name}: expected a channel without missing values to forecast, found {', '.join(entry.channels)}"
        )
    periods = split_in_time(weather.first, weather.last, where=entry.name)
    training = periods.training
    states = ((training.end - training.start).days + 1) * _DAY_HOURS // entry.step_hours
    shape = weather.cells.latitude.size, weather.cells.longitude.size
    sizes = choose_sizes(shape, len(predictands), states, cores=cores)
    parts = [
        _head(entry, name, predictands),
        _periods(periods),
        _network(sizes, many_years=(training.end - training.start).days > 3 * 365),
        _training(sizes, cores),
        _forecast(entry, weather, periods, predictands),
        f"[verification]\nbaseline_eofs = {max(2, sizes.eofs or 40)}  # patterns of the linear model to compare with\n",
        "[schedule]  # for 'plumecast cycle' and 'serve'\n"
        f'cron = "0 6 * * *"\nevery_hours = {max(_DAY_HOURS, entry.step_hours)}\n',
    ]
    return "\n".join(parts)


def _head(entry: DatasetEntry, name: str, predictands: Sequence[str]) -> str:
    without = [one for one in entry.channels if one not in predictands]
    note = f"  # without {', '.join(without)}, which may be missing" if without else ""
    kind = "Simulated weather" if entry.simulated else "Weather"
    title = entry.title.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"# {kind} of the dataset {entry.name}. Sizes and periods are a start: 'plumecast doctor FILE' tells their\n"
        "# cost, 'plumecast tune FILE' searches better values on the validation days. Keep the test days to the last.\n"
        f'name = "{name}"\ntitle = "{title}"\ndataset = "{entry.name}"\n\n[state]\n'
        f"predictands = {_listed(predictands)}  # channels that are forecast{note}\n"
        + (f"static = {_listed(entry.static)}\n" if entry.static else "")
        + f"step_hours = {entry.step_hours}  # of a forecast, a multiple of the dataset's\n"
        "past_states = 2  # states that the next one is forecast from\n"
    )


def _periods(periods: Periods) -> str:
    def line(name: str, period: Period, comment: str) -> str:
        return f"{name} = {{ start = {period.start}, end = {period.end} }}  # {comment}\n"

    return (
        "[periods]  # one after the other, so that nothing is judged on days it has learned from\n"
        + line("training", periods.training, "networks, climatology and baselines are fitted to these days")
        + line("validation", periods.validation, "settings are chosen on these")
        + line("test", periods.test, "nothing is ever fitted to these")
    )


def _network(sizes: Sizes, *, many_years: bool) -> str:
    if sizes.eofs:
        anchor = f'kind = "linear"\neofs = {sizes.eofs}  # patterns in which the mean of the next state is predicted\n'
        anchor += "cross_fitted = true  # errors are those of years that it was not fitted to\n" if many_years else ""
    else:
        anchor = 'kind = "persistence"  # a linear anchor would not fit into memory\n'
    return (
        f"[anchor]\n{anchor}\n[network]\n"
        f"patch = {sizes.patch}  # grid points on each side of a patch\n"
        f"widths = {list(sizes.widths)}  # channels at each resolution\nblocks = 2\nposition_features = 4\n\n"
        "[diffusion]\nlog_sigma_mean = 0.0\n"
    )


def _training(sizes: Sizes, cores: int) -> str:
    loader = 'loader = "archive"  # too many analyses for memory\n' if sizes.from_archive else ""
    minutes = max(1, round(sizes.minutes))
    return (
        f"[training]  # first the denoiser; both stages take about {minutes} min on {cores} cores ...\n"
        f'iterations = {sizes.iterations}\nbatch_size = 16\noptimiser = "muon"\nema_halflife_samples = 4000\n{loader}\n'
        "[[finetuning]]  # ... then the sampler of one evaluation, by the CRPS of its members\n"
        f"iterations = {sizes.finetuning_iterations}\nbatch_size = 16\nlead_steps = 1\nlearning_rate = 1e-3\n"
        "fairness = 1.0\n\n"
        '[sampler]  # as it was fine-tuned\nkind = "euler"\nsampling_steps = 1\nsigma_max = 40.0\n'
    )


def _forecast(entry: DatasetEntry, weather: Weather, periods: Periods, predictands: Sequence[str]) -> str:
    cells = weather.cells
    shortest = min((period.end - period.start).days for period in (periods.validation, periods.test))
    unit = entry.step_hours // math.gcd(entry.step_hours, _DAY_HOURS)  # days that are whole steps
    lead_days = max(unit, min(_LEAD_DAYS[cells.is_global], shortest // 2) // unit * unit)
    shown = [days for days in _MAP_LEAD_DAYS if days <= lead_days and days % unit == 0] or [lead_days]
    latitude, longitude = (float(_middle(axis)) for axis in (cells.latitude, cells.longitude))
    return (
        f"[forecast]\nmembers = 20\nlead_days = {lead_days}\nbatch_size = 10  # members computed together\n\n"
        f"[products]\nmap_channels = {_listed(predictands[:3])}\nmap_lead_days = {shown}\n"
        f'# probabilities = [{{ channel = "{predictands[0]}", above = 0.0 }}]  # of exceeding a value, in SI units\n'
        "# places that plumes are drawn for:\n"
        f'points = [{{ name = "middle", latitude = {latitude:g}, longitude = {longitude:g} }}]\n'
    )


def _middle(values: NDArray[np.float64]) -> np.float64:
    middle: np.float64 = values[len(values) // 2]
    return middle


def _listed(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
