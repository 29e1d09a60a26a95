"""A simulation goes on where it ended, makes the same values again, branches, and never makes a year it must not."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError, UnreachableError
from data_catalog.sources.speedy.process import PYTHON_VARIABLE
from data_catalog.sources.speedy.simulation import KEPT_EVERY, Simulation, times_of
from tests.data_catalog.sources.speedy.stand_in import fields_of, stand_in

FROM, TO = date(1990, 1, 1), date(1990, 1, 20)


@pytest.fixture
def simulation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    monkeypatch.setenv(PYTHON_VARIABLE, str(stand_in(tmp_path / "python")))
    return Simulation(tmp_path / "simulation")


def content(files: list[Path]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


def test_a_period_is_covered_and_nothing_before_it_is_kept(simulation: Simulation) -> None:
    files = simulation.files(FROM, TO)
    times = np.concatenate([xr.open_dataset(file, engine="netcdf4")["time"] for file in files])
    assert times[0] <= np.datetime64("1990-01-01T00")
    assert times[-1] >= np.datetime64("1990-01-20T12")
    assert (np.diff(times) == np.timedelta64(12, "h")).all()
    assert sorted(path.name for path in simulation.folder.glob("*.nc")) == [file.name for file in files]
    assert not list(simulation.folder.glob("piece_*"))
    assert simulation.files(FROM, TO) == files
    assert len((simulation.folder / "runs.txt").read_text().splitlines()) == 1, "nothing is simulated twice"


def test_a_killed_simulation_goes_on_and_has_the_same_bytes(
    simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = content(Simulation(tmp_path / "other").files(FROM, TO))
    monkeypatch.setenv("STAND_IN_DIES", "38")
    with pytest.raises(UnreachableError, match=r"after piece 37, found it ended by signal SIGKILL .* run it again"):
        simulation.files(FROM, TO)
    monkeypatch.delenv("STAND_IN_DIES")
    assert content(simulation.files(FROM, TO)) == undisturbed
    assert (simulation.folder / "runs.txt").read_text().split("\n")[1].startswith("38 ")


def test_a_piece_that_was_lost_is_made_again_from_an_earlier_state(simulation: Simulation) -> None:
    files = simulation.files(FROM, date(1990, 3, 1))
    before = content(files)
    files[1].unlink()
    assert content(simulation.files(FROM, date(1990, 3, 1))) == before
    first, last = map(int, (simulation.folder / "runs.txt").read_text().split("\n")[1].split())
    assert first % KEPT_EVERY == 0
    assert last - first < KEPT_EVERY


def test_a_piece_that_was_written_but_not_read_is_taken(simulation: Simulation, tmp_path: Path) -> None:
    """The model wrote it, and Plumecast was killed before it brought it to the grid."""
    files = simulation.files(FROM, TO)
    number, name = int(simulation.states[-1]) - 1, files[-1].name
    before = files[-1].read_bytes()
    with np.load(simulation.folder / f"state_{number:05d}.npz") as state:
        phase = float(state["temperature_variation"][0])
    files[-1].unlink()
    np.savez(simulation.folder / f"piece_{number:05d}.npz", **fields_of(phase))
    assert content(simulation.files(FROM, TO))[name] == before
    assert len((simulation.folder / "runs.txt").read_text().splitlines()) == 1


def test_states_of_every_month_are_kept(simulation: Simulation) -> None:
    simulation.files(FROM, TO)
    newest = simulation.states[-1]
    assert simulation.states == [*range(KEPT_EVERY, newest - 1, KEPT_EVERY), newest - 1, newest]


def test_a_branch_without_a_perturbation_is_the_same_and_with_one_drifts_away(
    simulation: Simulation, tmp_path: Path
) -> None:
    simulation.files(FROM, date(1990, 3, 1))
    period = date(1990, 2, 10), date(1990, 2, 25)
    same = simulation.branch(period[0], tmp_path / "same", size=0.0, seed=1)
    other = simulation.branch(period[0], tmp_path / "other", size=1e-2, seed=1)
    original = content(simulation.files(*period))
    assert content(same.files(*period)) == original
    spread = []
    for mine, theirs in zip(simulation.files(*period), other.files(*period), strict=True):
        pair = [xr.open_dataset(path, engine="netcdf4")["t850"] for path in (mine, theirs)]
        spread.append(float(np.abs(pair[0] - pair[1]).mean()))
    assert 0 < spread[0] < spread[-1]
    with pytest.raises(ConfigurationError, match="expected a folder that does not exist yet"):
        simulation.branch(period[0], tmp_path / "same", size=0.0, seed=1)
    with pytest.raises(MissingDataError, match="expected days after its branching"):
        same.files(FROM, TO)


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(1989, 12, 31), TO), (FROM, date(2000, 1, 1)), (date(2009, 1, 1), date(2009, 1, 2)), (TO, FROM)],
)
def test_other_years_are_never_made(simulation: Simulation, start: date, end: date) -> None:
    with pytest.raises(ConfigurationError, match="1990-01-01 to 1999-12-31, which alone are simulated"):
        simulation.files(start, end)
    assert not simulation.folder.exists()


def test_the_last_piece_ends_with_the_century() -> None:
    assert times_of(766)[-1] == np.datetime64("2000-01-01T00")
