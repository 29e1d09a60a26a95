"""One simulation in a folder: its pieces of five days as NetCDF, and states from which it goes on or branches.

What is missing is simulated from the last state before it; the same piece from the same state has the same values.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.layout.variables import channel
from data_catalog.sources.speedy.diagnosis import CHANNELS, STATIC, analysis_of
from data_catalog.sources.speedy.process import run_simulator
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from data_catalog.storage.locks import LOCK, lock

START = date(1989, 7, 2)
"""Start from rest; the first half year is no weather that is handed on."""
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(1999, 12, 31)
DAYS = 5
KEPT_EVERY = 6
"""Of so many states one is kept, a month apart, besides the latest."""
_HOURS = 12
_BITS = {"z500": 12, "t850": 11, "t2m": 11, "msl": 13, "tp24": 6}
_BITS_OF_OTHERS = 7
_STATE = re.compile(r"state_(\d{5})\.npz")
_PERTURBED = "temperature_variation"
_BRANCH_NOTE = "branch.txt"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Simulation:
    """The simulation that a folder holds.

    Attributes:
        folder: Where its pieces and states lie; created when it first runs.
    """

    folder: Path

    def files(self, start: date, end: date) -> list[Path]:
        """Return the files that hold the times of a period, after simulating what is missing.

        Args:
            start: First day.
            end: Last day.

        Raises:
            ConfigurationError: A day is none that is ever simulated, or the model is not installed.
            MissingDataError: The process ended early, or another one simulates here; run it again to go on.
        """
        if not FIRST_DAY <= start <= end <= LAST_DAY:
            raise ConfigurationError(
                f"speedy: expected days in {FIRST_DAY} to {LAST_DAY}, which alone are simulated, found {start} to {end}"
            )
        wanted = range(_piece_of(start), _piece_of(end) + 1)
        if any(not self._file(number).exists() for number in wanted):
            with lock(self.folder / LOCK, f"simulation {self.folder}"):
                self._simulate(wanted)
        return [self._file(number) for number in wanted]

    def _simulate(self, wanted: range) -> None:
        """Make the pieces that are missing, each run of neighbours by one process."""
        for number in sorted(self._raw_pieces()):
            self._convert(number)
        missing = [number for number in wanted if not self._file(number).exists()]
        while missing:
            first, last = missing[0], missing[0]
            while last + 1 in missing:
                last += 1
            origin = self._origin(first)
            _LOG.info("%s: simulating from %s to %s", self.folder, _day_of(origin), _day_of(last + 1))
            for done in run_simulator(self.folder, origin, last, first):
                if done >= first:
                    self._convert(done)
                self._forget_states(done + 1)
            missing = [number for number in missing if number > last]

    def _origin(self, piece: int) -> int:
        """The last piece, up to a given one, that the simulation can start with."""
        known = [number for number in self.states if number <= piece]
        if known:
            return max(known)
        if (self.folder / _BRANCH_NOTE).exists():
            raise MissingDataError(f"{self.folder}: expected days after its branching, found {_day_of(piece)} wanted")
        return 0

    @property
    def states(self) -> list[int]:
        """Numbers of the pieces at whose beginning the state is known, ascending."""
        found = (_STATE.fullmatch(path.name) for path in self.folder.glob("state_*.npz"))
        return sorted(int(one[1]) for one in found if one is not None)

    def branch(self, day: date, into: Path, *, size: float, seed: int) -> "Simulation":
        """Begin another simulation from a state of this one, slightly perturbed.

        Args:
            day: The branch begins at the last kept state up to this day.
            into: Folder of the branch, which must not exist yet.
            size: Standard deviation of the relative change of each coefficient of the temperature; 0 for none.
            seed: Of the perturbation.

        Raises:
            ConfigurationError: The folder exists.
            MissingDataError: There is no such state.
        """
        if into.exists():
            raise ConfigurationError(f"{into}: expected a folder that does not exist yet, found one")
        known = [number for number in self.states if number <= _piece_of(day)]
        if not known:
            raise MissingDataError(f"{self.folder}: expected a state before {day}, found none; simulate up to it first")
        with np.load(self._state(known[-1])) as saved:
            state = dict(saved)
        before = state[_PERTURBED]
        noise = np.random.default_rng(seed).standard_normal(before.shape)
        state[_PERTURBED] = (before * (1 + size * noise)).astype(before.dtype)
        with atomic_path(into) as partial, disk_errors(into):
            partial.mkdir()
            np.savez(partial / f"state_{known[-1]:05d}.npz", **state)
            (partial / _BRANCH_NOTE).write_text(f"{self.folder} at {_day_of(known[-1])}, size {size:g}, seed {seed}\n")
        return Simulation(into)

    def _raw_pieces(self) -> Iterator[int]:
        """Pieces that the model has written and nobody has converted yet."""
        for path in self.folder.glob("piece_*.npz"):
            yield int(path.stem.removeprefix("piece_"))

    def _convert(self, number: int) -> None:
        """Bring a piece to the grid and the channels of the dataset."""
        raw = self.folder / f"piece_{number:05d}.npz"
        with np.load(raw) as saved:
            analysis = analysis_of(dict(saved), times_of(number))
        analysis.attrs = {
            "Conventions": "CF-1.11",
            "title": "SIMULATED weather, not observations: SPEEDY (jcm, T31, 8 levels)",
            "source": "SPEEDY physics of jcm (Apache-2.0), 40 min step, climatological sea surface",
            "history": "from 48x96 Gaussian columns, conservatively regridded; constant correction of msl added",
        }
        for name in (*CHANNELS, *STATIC):
            analysis[name].attrs = channel(name).attributes
        with atomic_path(self._file(number)) as partial, disk_errors(self._file(number)):
            analysis.to_netcdf(partial, engine="netcdf4", encoding={name: _encoding(name) for name in CHANNELS})
        raw.unlink()

    def _forget_states(self, newest: int) -> None:
        """Remove states that are neither kept for branches nor among the last two."""
        for number in self.states:
            if number % KEPT_EVERY and number < newest - 1:
                self._state(number).unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self.folder / f"speedy_{_day_of(number):%Y%m%d}.nc"

    def _state(self, number: int) -> Path:
        return self.folder / f"state_{number:05d}.npz"


def times_of(number: int) -> NDArray[np.datetime64]:
    """Return the times of a piece: every 12 h after its beginning, up to its end.

    Args:
        number: Of the piece.
    """
    hours = np.arange(_HOURS, 24 * DAYS + 1, _HOURS).astype("timedelta64[h]")
    times: NDArray[np.datetime64] = np.datetime64(_day_of(number), "ns") + hours
    return times


def _encoding(name: str) -> dict[str, object]:
    bits = _BITS.get(name, _BITS_OF_OTHERS)
    return {"zlib": True, "complevel": 5, "shuffle": True, "significant_digits": bits, "quantize_mode": "BitRound"}


def _day_of(number: int) -> date:
    """The day at whose beginning a piece begins."""
    return START + timedelta(days=DAYS * number)


def _piece_of(day: date) -> int:
    """The piece with the first moment of a day."""
    return ((day - START).days - 1) // DAYS
