"""What differs between devices: each test runs on the CPU in another batch size, and on a GPU where there is one.

pytest -m gpu -rs          only on the GPU; without one, each test is skipped and says why
pytest tests/gpu -m "not gpu"
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partialmethod
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from data_catalog.catalog import dataset
from data_catalog.sources.open_source import open_source
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.parallel.ranks import Ranks
from tests.forecast.conftest import analysis, system  # noqa: F401  # the system that is trained here, and its weather

MEMBERS = (0, 1)
"""One member of each network of `speedy-5p6`."""
GPU = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch.cuda.is_available() is false"),
)
Fields = dict[tuple[int, int], np.ndarray]
"""Standardised fields (channel, latitude, longitude) by member and lead step, float64."""


@dataclass(frozen=True)
class Place:
    """Where a test computes what the CPU computed in one batch.

    Attributes:
        device: `cpu` or `cuda`.
        batch_size: Members together; another number than in the reference, so that a CPU too computes otherwise.
    """

    device: str
    batch_size: int = 1

    @property
    def ranks(self) -> Ranks:
        """A process that works alone on the device."""
        return Ranks(device=self.device)


@pytest.fixture(params=[pytest.param("cpu"), pytest.param("cuda", marks=GPU)])
def place(request: pytest.FixtureRequest) -> Place:
    return Place(request.param)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Simulated:
    """The shipped `speedy-5p6` and its bundled weather: two networks, a harmonic anchor and noise on the globe."""

    analysis: xr.Dataset

    def checkpoint(self) -> Checkpoint:
        """A checkpoint of its own for each caller, on the CPU."""
        return load_checkpoint(Path(str(resources.files("forecast"))) / "pretrained" / "speedy-5p6")

    def members(
        self,
        place: Place,
        *,
        members: Sequence[int] = MEMBERS,
        lead_steps: int = 3,
        change: Callable[[Checkpoint], object] = lambda _: None,
        states: Path | None = None,
        stop_after: int | None = None,
    ) -> Fields:
        """Make members at a place, after a change of their models, or only the first fields of them."""
        checkpoint, made = self.checkpoint(), {}
        change(checkpoint)
        request = MemberRequest(self.analysis["time"].values[1], members, lead_steps)
        parts = forecast_members(
            checkpoint,
            checkpoint.system,
            self.analysis,
            request,
            batch_size=place.batch_size,
            state_directory=states,
            ranks=place.ranks,
        )
        for number, part in enumerate(parts, start=1):
            for row, member in enumerate(part.members):
                made[member, part.lead_index + 1] = _standardised(part.fields, row, checkpoint)
            if number == stop_after:
                parts.close()
                break
        return made


def _standardised(fields: Mapping[str, np.ndarray], row: int, checkpoint: Checkpoint) -> np.ndarray:
    """Fields over standard deviations; of precipitation the root, which its deviation is of."""
    names, std = checkpoint.standardiser.channels, checkpoint.standardiser.std.astype(np.float64)
    return np.stack(
        [
            (np.sqrt(fields[name][row]) if name == "tp24" else fields[name][row]).astype(np.float64) / std[index]
            for index, name in enumerate(names)
        ]
    )


def difference(made: Fields, expected: Fields, lead_steps: Sequence[int] | None = None) -> float:
    """Largest difference of the made fields from those expected, in standard deviations."""
    keys = [key for key in made if lead_steps is None or key[1] in lead_steps]
    assert keys, "something to compare"
    return max(float(np.abs(made[key] - expected[key]).max()) for key in keys)


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    weather = open_source(dataset("speedy-5p6"))
    checkpoint = Simulated(weather).checkpoint()
    state = checkpoint.system.state
    return Simulated(weather[list(state.predictands + state.static)].isel(time=slice(0, 2)).load())


@pytest.fixture(scope="session")
def reference(simulated: Simulated) -> Fields:
    """The members of the CPU, two of each network in a batch."""
    return simulated.members(Place("cpu", batch_size=2), members=(0, 1, 2, 3), lead_steps=3)


@pytest.fixture
def compiler(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh torch.compile: with machine code on a GPU; on the CPU only traced, as building takes a minute."""
    torch.compiler.reset()
    if place.device == "cpu":
        monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend="eager"))
    elif not any(map(shutil.which, ("cc", "gcc", "clang"))) or find_spec("triton") is None:
        pytest.skip("torch.compile needs a C compiler and Triton; this machine lacks one of them")
    yield
    torch.compiler.reset()
