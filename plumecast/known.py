"""Systems and datasets by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from data_catalog.catalog import DatasetEntry
from forecast.system.system import System
from pipelines.workspace.datasets import find_dataset, known_names
from pipelines.workspace.home import home as find_home
from pipelines.workspace.systems import find_system, system_names


class Titled(Protocol):
    """Something with a title of a few words."""

    @property
    def title(self) -> str:
        """The title."""


Entry = TypeVar("Entry", bound=Titled)


class Known(Mapping[str, Entry], Generic[Entry]):
    """Entries by name; prints as one line each, with the entry's title."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries: dict[str, Entry] = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        width = max(map(len, self._entries), default=0) + 2
        return "\n".join(f"{name:{width}}{entry.title}" for name, entry in self._entries.items())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._entries)


def systems() -> Known[System]:
    """Return the forecasting systems that Plumecast ships, by name.

    Returns:
        A mapping of each name to its `System`: `systems()["speedy-5p6"].state.predictands` are the channels that it
        forecasts, `.forecast.members` and `.forecast.lead_days` the usual size and length (days) of its forecasts.
        Printed, it shows a name and a title per line.
    """
    return Known({name: find_system(name) for name in system_names()})


def datasets(*, home: str | Path | None = None) -> Known[DatasetEntry]:
    """Return the datasets of the catalogue, by name: the shipped ones, and a user's.

    Args:
        home: Directory that holds `datasets/` with the user's dataset files; None for PLUMECAST_HOME, or else
            ./plumecast-data.

    Returns:
        A mapping of each name to its `DatasetEntry`: `datasets()["era5-5p6"].channels` are the names of its channels,
        `.step_hours` the hours between its times, `.licence` its licence, `.simulated` whether it is simulated rather
        than real weather. Printed, it shows a name and a title per line.
    """
    place = find_home(None if home is None else Path(home))
    return Known({name: find_dataset(place, name) for name in known_names(place)})
