"""Explains an outcome of a published run: what drives its mean and spread, as NetCDF, a figure and some sentences."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.times import iso
from forecast.explanation.fields import computations, explain, explanation_dataset
from forecast.explanation.gradients import Ensemble
from forecast.explanation.outcome import Outcome, point_weights
from forecast.products.ensemble.explanation import state_shares
from forecast.products.files.explanation import write_explanation
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import Manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from forecast.products.page.explanation_words import explanation_words
from forecast.products.plots.explanation import plot_explanation
from forecast.products.plots.figures import Caption
from forecast.products.plots.plumes import nearest
from forecast.states.starts import select_past, start_members
from forecast.system.cycles import cycle_name
from forecast.system.system import System
from forecast.verification.cycle_scores import score_weights
from pipelines.operations.remaking import TOLERANCE
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import Inputs
from pipelines.runs.original_inputs import Sources, open_original
from pipelines.runs.republish import require_run_directory
from pipelines.runs.run_system import run_system
from pipelines.terminal.places import point_of
from pipelines.terminal.progress import progress
from pipelines.terminal.times import now, parse_hours

FEWEST_MEMBERS = 3
ROUNDING = 2**-12
"""Part of a value that the rounding of forecast files may change."""


@dataclass(frozen=True)
class ExplanationRequest:
    """What is to be explained.

    Attributes:
        run: Directory of the run.
        place: Latitude and longitude such as `51.5,0`, a point of the system by its name, or a region.
        lead: Lead time such as `5d`; None for the last one.
        channel: Channel; None for the first that the system draws.
        members: How many of the run's members; None for all.
        sources: Where model and analysis of the run are looked for.
        out: Directory of the files; None for the home's `explanations/`.
    """

    run: Path
    place: str
    sources: Sources
    lead: str | None = None
    channel: str | None = None
    members: int | None = None
    out: Path | None = None


@dataclass(frozen=True)
class ExplanationFiles:
    """What was written.

    Attributes:
        netcdf: The gradients and shares.
        figure: The figure.
        words: The sentences, which the NetCDF file holds too.
    """

    netcdf: Path
    figure: Path
    words: str


def explain_run(request: ExplanationRequest) -> ExplanationFiles:
    """Explain an outcome of a published run, and write NetCDF and figure.

    Args:
        request: What is to be explained.

    Raises:
        ConfigurationError: As `explained`, or a file cannot be written.
        MissingDataError: As `explained`.
        InvalidDataError: As `explained`.
    """
    dataset, cycle, inputs = explained(request)
    return _write(request, dataset, cycle, inputs, str(dataset.attrs["place"]))


def explained(request: ExplanationRequest) -> tuple[xr.Dataset, Cycle, Inputs]:
    """Explain an outcome of a published run.

    Args:
        request: What is to be explained.

    Returns:
        Gradients, shares and check, with the name of the place as an attribute; the run's request, and its inputs.

    Raises:
        ConfigurationError: Place, lead, channel or number of members is not one of the run; or model or analysis is not
            the one that the run names.
        MissingDataError: The run is not finished, or there is no archive of the analysis.
        InvalidDataError: The run is not as it was published, or its members are not those that the model makes.
    """
    require_run_directory(request.run)
    run, manifest = RunDirectory.at(request.run), prove_run(request.run)
    system, members = run_system(run), _members(request, manifest)
    channel, lead_step = _channel(request, system), _lead_step(request, system, manifest)
    if manifest.conditions:
        raise ConfigurationError(
            f"run {run.path}: expected a free forecast, found members made to meet {'; '.join(manifest.conditions)}"
        )
    cycle, inputs = open_original(request.sources, run, manifest, members)
    name, weights = place_weights(request.place, system, inputs.analysis, cycle)
    valid = run.init_time + np.timedelta64(lead_step * system.state.step_hours, "h")
    outcome = Outcome(channel, lead_step, valid, weights, inputs.checkpoint.standardiser)
    dataset = _explained(_ensemble(cycle, inputs), outcome).assign_attrs(place=name)
    _check_members(run, dataset, outcome)
    return dataset, cycle, inputs


def place_weights(place: str, system: System, analysis: xr.Dataset, cycle: Cycle) -> tuple[str, NDArray[np.float64]]:
    """Return the name of a place, and its weights on the grid.

    Args:
        place: Latitude and longitude, a point of the system by its name, or a region that it scores.
        system: The system.
        analysis: Analysis on the grid.
        cycle: The run, whose analysis has the channels of masks.

    Returns:
        Name, and weights (latitude, longitude) with sum 1: those of the nearest grid point, or areas in the region.

    Raises:
        ConfigurationError: There is no such place on the grid.
    """
    regions = score_weights(system, analysis, cycle.analysis)
    if place in (names := [str(name) for name in regions["region"].values]):
        weights = regions.sel(region=place).values.astype(np.float64)
        return place, weights / weights.sum()
    try:
        point = point_of(place, system.products.points)
    except ConfigurationError as error:
        raise ConfigurationError(f"--{error}; regions are {', '.join(names)}") from None
    row, column = nearest(analysis, point)
    shape = (analysis.sizes["latitude"], analysis.sizes["longitude"])
    return point.name, point_weights(shape, row, column)


def _members(request: ExplanationRequest, manifest: Manifest) -> tuple[int, ...]:
    there = tuple(manifest.delivered.members)
    wanted = len(there) if request.members is None else request.members
    if not FEWEST_MEMBERS <= wanted <= len(there):
        raise ConfigurationError(
            f"run {request.run}: expected {FEWEST_MEMBERS} to all {len(there)} of its members, found {wanted}"
        )
    return there[:wanted]


def _channel(request: ExplanationRequest, system: System) -> str:
    known = system.state.predictands
    channel = request.channel or next(iter((*system.products.map_channels, *known)))
    if channel not in known:
        raise ConfigurationError(f"--channel: expected one of {', '.join(known)}, found '{channel}'")
    return channel


def _lead_step(request: ExplanationRequest, system: System, manifest: Manifest) -> int:
    hours = manifest.delivered.lead_hours
    wanted = hours[-1] if request.lead is None else parse_hours(request.lead, "--lead")
    if wanted not in hours:
        raise ConfigurationError(
            f"--lead: expected one of the run's {len(hours)} lead times from {hours[0]} h to {hours[-1]} h, "
            f"found {request.lead}"
        )
    return wanted // system.state.step_hours


def _ensemble(cycle: Cycle, inputs: Inputs) -> Ensemble:
    state, checkpoint = cycle.system.state, inputs.checkpoint
    for model in checkpoint.models:
        model.to(cycle.device)
    past = select_past(inputs.analysis, cycle.init_time, state.past_states, state.step_hours)
    starts = [past.isel(member=number, drop=True) for number in range(len(start_members(past)))] or [past]
    standardised = torch.stack([checkpoint.standardiser.to_tensor(start) for start in starts]).to(cycle.device)
    batch_size = min(cycle.system.forecast.batch_size, 5)  # gradients need the activations of a lead step
    return Ensemble(checkpoint, cycle.system, cycle.init_time, standardised, cycle.members, batch_size)


def _explained(ensemble: Ensemble, outcome: Outcome) -> xr.Dataset:
    with progress("Explaining", computations(len(ensemble.members)), "members") as advance:
        made = explanation_dataset(explain(ensemble, outcome, done=advance))
    return made.merge(state_shares(made), combine_attrs="override")


def _check_members(run: RunDirectory, dataset: xr.Dataset, outcome: Outcome) -> None:
    """Refuse to explain members that are not those of the forecast file."""
    with open_forecast(run.path, chunked=False) as stored:
        field = stored[outcome.channel].sel(member=dataset["member"].values).isel(lead_time=outcome.lead_step - 1)
        published = (field.astype(np.float64) * outcome.weights).sum(["latitude", "longitude"]).values
    scale = max(float(published.std()), float(outcome.standardiser.std[outcome.index]))
    apart = np.abs(published - dataset["outcome"].values)
    if not (apart <= 10 * TOLERANCE * scale + ROUNDING * np.abs(published)).all():
        worst = int(np.nanargmax(apart))
        raise InvalidDataError(
            f"run {run.path}, member {int(dataset['member'][worst])}: expected {outcome.channel} of "
            f"{float(dataset['outcome'][worst]):g}, as the model makes it, found {published[worst]:g}"
        )


def _write(
    request: ExplanationRequest, dataset: xr.Dataset, cycle: Cycle, inputs: Inputs, place: str
) -> ExplanationFiles:
    system, hours = cycle.system, int(dataset["lead_time"].values[-1] / np.timedelta64(1, "h"))
    folder = request.out or request.sources.home.explanations(system.name) / cycle_name(cycle.init_time)
    words = re.sub(r"[^0-9A-Za-z.]+", "-", place).strip("-")
    stem = folder.absolute() / f"{cycle.run.stem}_{dataset.attrs['outcome_channel']}_{words}_{hours}h"
    said, simulated = explanation_words(dataset, place), system.entry.simulated
    caption = Caption(system.title, cycle.init_time, dataset.sizes["member"], simulated)
    attributes = _attributes(cycle, inputs, place, said)
    netcdf = write_explanation(dataset, stem.with_name(f"{stem.name}.nc"), attributes)
    figure = plot_explanation(dataset, stem.with_name(f"{stem.name}.png"), caption=caption, place=place)
    return ExplanationFiles(netcdf, figure, said)


def _attributes(cycle: Cycle, inputs: Inputs, place: str, said: str) -> dict[str, str]:
    release, system = version("plumecast"), cycle.system
    kind = "Simulated weather, not the real atmosphere. " if system.entry.simulated else ""
    return {
        "title": f"{system.title}: what an outcome at {place} of the forecast from {iso(cycle.init_time)} hangs on",
        "institution": "Made with Plumecast",
        "source": f"{kind}Plumecast {release}, gradients of diffusion model {inputs.identity['model_id'][:12]}",
        "history": f"{iso(now())} plumecast {release} explain {system.name}",
        "references": "https://arxiv.org/abs/2511.00663",
        "comment": said,
        "plumecast_system": system.name,
    } | {f"plumecast_{name}": value for name, value in inputs.identity.items()}
