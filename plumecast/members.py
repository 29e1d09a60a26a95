"""Loads models and makes members; torch is imported only when a function is called."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from data_catalog.layout.canonical import canonicalise
from forecast.system.system import System
from pipelines.terminal.parts import missing_part
from pipelines.terminal.times import lead_steps, parse_hours, parse_time
from pipelines.workspace.home import home as find_home
from pipelines.workspace.systems import find_system
from plumecast.analyses import open_archive

if TYPE_CHECKING:
    from forecast.checkpoints.checkpoint import Checkpoint


def load_checkpoint(model: str | Path | System, *, home: str | Path | None = None) -> "Checkpoint":
    """Load a trained model.

    Args:
        model: Directory of a checkpoint; or a system, its shipped name or its TOML file, for the checkpoint of that
            system that was trained in `home`, or else the shipped one.
        home: Directory that holds `checkpoints/`; None for PLUMECAST_HOME, or else ./plumecast-data.

    Returns:
        The checkpoint, on the CPU: `.models` (torch modules), `.system`, `.grid`, `.standardiser`, `.training` (the
        record of its training) and `.model_id`.

    Raises:
        ConfigurationError: There is no such system or checkpoint, or the checkpoint was trained for another system.
        InvalidDataError: A file of the checkpoint is damaged; names it.
        ModuleNotFoundError: PyTorch is not installed; it comes with `pip install 'plumecast[model]'`.
    """
    return _model(model, home)[0]


def ensemble_forecast(
    model: "str | Path | System | Checkpoint",
    analysis: xr.Dataset | str | Path,
    init_time: str | datetime | np.datetime64,
    members: int | None = None,
    *,
    lead: str | None = None,
    home: str | Path | None = None,
    device: str = "auto",
) -> xr.Dataset:
    """Make an ensemble forecast in memory; nothing is written.

    A member is a function of model, system, init time and its number alone: these are the members that
    `plumecast forecast` writes (rounded) for the same cycle, and a larger ensemble begins with those of a smaller one.

    Args:
        model: What `load_checkpoint` takes, or what it returned.
        analysis: The states to start from, on the model's grid: a dataset with the system's channels, in any layout and
            units that `plumecast ingest` reads; or what `open_archive` takes.
        init_time: Init time of the forecast, UTC: a time of the analysis, which must also hold the earlier states that
            the model needs.
        members: Size of the ensemble; None for the system's.
        lead: Length of the forecast, such as "10d" or "36h", a multiple of the system's step; None for the system's.
        home: Home directory in which names are looked up; None for PLUMECAST_HOME, or else ./plumecast-data.
        device: Device to compute on: "cpu", "cuda", "cuda:1"; "auto" takes a GPU if there is one.

    Returns:
        Dims (member, lead_time, latitude, longitude), scalar coordinate `init_time`; one float32 variable per channel,
        in SI units. The attributes hold the hashes of model and system, from which the members' noise follows.

    Raises:
        ConfigurationError: A name, duration or device is wrong, or the model belongs to another system.
        InvalidDataError: The analysis lacks a channel or a time, has a missing value, or lies on another grid.
        MissingDataError: `init_time` is later than the last analysis, or there is no archive yet.
        ModuleNotFoundError: PyTorch is not installed; it comes with `pip install 'plumecast[model]'`.
    """
    checkpoint, system = _model(model, home)
    from forecast.members.gather import ensemble_forecast as gather
    from pipelines.workspace.devices import choose_device

    source = analysis if isinstance(analysis, xr.Dataset) else open_archive(analysis, home=home)
    hours = system.forecast.lead_days * 24 if lead is None else parse_hours(lead, "lead")
    made = gather(
        checkpoint,
        system,
        canonicalise(source, system.state.predictands, where="analysis"),
        parse_time(str(init_time), "init_time"),
        members=system.forecast.members if members is None else members,
        lead_steps=lead_steps(hours, system.state.step_hours, "lead"),
        device=choose_device(device),
    )
    return made.assign_attrs(
        plumecast_system=system.name,
        plumecast_system_hash=system.identity_hash(),
        plumecast_model_id=checkpoint.model_id,
    )


def _model(model: "str | Path | System | Checkpoint", home: str | Path | None) -> "tuple[Checkpoint, System]":
    """Return the checkpoint, and the system whose forecasts it makes."""
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"plumecast: {missing_part(error) or error}", name=error.name) from None
    from forecast.checkpoints.checkpoint import Checkpoint
    from forecast.checkpoints.files import load_checkpoint as load
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.open_checkpoint import open_checkpoint

    if isinstance(model, Checkpoint):
        return model, model.system
    if not isinstance(model, System) and (Path(model).expanduser() / "model.json").is_file():
        checkpoint = load(Path(model).expanduser())
        return checkpoint, checkpoint.system
    system = model if isinstance(model, System) else find_system(str(model))
    directory = find_checkpoint(find_home(None if home is None else Path(home)), system)
    return open_checkpoint(directory, system), system
