"""Commands that train, calibrate and tune models."""

from pathlib import Path
from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli.options import AnalysisOption, BandsOption, CheckpointOption, Device, Processes, SystemName
from pipelines.terminal.output import say
from pipelines.terminal.processes import launch, without_processes

commands = typer.Typer()


@commands.command()
def train(
    context: typer.Context,
    system: SystemName,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an unfinished training.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of the checkpoint.")] = None,
    analysis: AnalysisOption = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of iterations [default: the system's].")] = None,
    initial_checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--initial-checkpoint",
            "--from",
            metavar="DIR",
            help="Checkpoint to start from; fine-tuning then follows without denoising.",
        ),
    ] = None,
    network: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Train only this one of the system's networks; counted from 0."),
    ] = None,
    device: Device = "auto",
    processes: Processes = 1,
    bands: BandsOption = 1,
) -> int:
    """Train a system's model on its archive, and fit the baselines that it is compared with.

    Processes started by torchrun train together, on any number of machines.
    """
    if processes > 1:
        return launch(without_processes(context.obj), processes)
    from pipelines.training.train import TrainingRequest, train_system
    from pipelines.workspace.analyses import find_analysis, find_globe
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found, place = find_system(system), home()
    request = TrainingRequest(
        system=found,
        analysis=find_analysis(place, found, analysis),
        directory=out or place.checkpoint(found.name),
        resume=resume,
        iterations=iterations,
        initial_checkpoint=initial_checkpoint,
        globe=None if initial_checkpoint else find_globe(place, found),
        device=choose_device(device),
        bands=bands,
    )
    say(f"Checkpoint: {train_system(request if network is None else request.of_network(network))}")
    return 0


@commands.command("new-system")
def new_system(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="A name that 'catalog list' shows, or a TOML file.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="The system file [default: DATASET.toml here].")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the system [default: DATASET].")] = None,
) -> None:
    """Write a system file for a dataset, sized for its grid, channels and years and for this machine."""
    from pipelines.training.new_system import write_new_system
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    path = write_new_system(home(), find_dataset(home(), dataset), out, name)
    print(f"System file: {path}")


@commands.command()
def levels(
    system: SystemName,
    sampling_steps: Annotated[
        int | None, typer.Option("--sampling-steps", min=1, help="Number of sampling steps [default: the system's].")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, hidden=True, help="Old name of --sampling-steps.")] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    samples: Annotated[int, typer.Option(min=1, help="Number of validation samples to fit to.")] = 8,
) -> None:
    """Fit the sampler's noise levels to the model on validation days; prints lines for the system file.

    A sampler of few steps then stays closer to one of many. 'plumecast evaluate' shows whether scores improve.
    """
    from pipelines.tuning.sampler_levels import LevelsRequest, fit_system_levels
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found, place = find_system(system), home()
    request = LevelsRequest(
        system=found,
        analysis=find_analysis(place, found, analysis),
        checkpoint=find_checkpoint(place, found, checkpoint),
        sampling_steps=sampling_steps or steps,
        samples=samples,
    )
    print(f"[sampler]\n{fit_system_levels(request)}")


@commands.command()
def calibrate(
    system: SystemName,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    start: Annotated[
        str | None, typer.Option(metavar="ISO", help="First day [default: of the validation period].")
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="ISO", help="Last day [default: of the validation period].")
    ] = None,
    starts: Annotated[int, typer.Option(min=1, help="Number of forecasts, spread evenly over these days.")] = 20,
    members: Annotated[int, typer.Option(min=2, help="Members of each forecast.")] = 10,
    lead: Annotated[
        str | None, typer.Option(metavar="10d", help="Length of each forecast [default: the system's].")
    ] = None,
    device: Device = "auto",
) -> None:
    """Fit noise level, churn and spread of a trained model on validation days; writes a card beside its checkpoint.

    Test days are refused. Forecasts use the card as long as the system's sampler and the weights stay the same.
    """
    from forecast.calibration.card import CARD
    from pipelines.tuning.calibrate import CalibrationRequest, calibration_period, describe_card
    from pipelines.tuning.calibrate import calibrate as fit_card
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_own_checkpoint
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system, requested_lead_steps

    found, place = find_system(system), home()
    request = CalibrationRequest(
        system=found,
        checkpoint=find_own_checkpoint(place, found, checkpoint),
        analysis=find_analysis(place, found, analysis),
        period=calibration_period(found, start, end),
        starts=starts,
        members=members,
        lead_steps=requested_lead_steps(found, lead),
        device=choose_device(device),
    )
    print(describe_card(fit_card(request)))
    print(f"Card: {request.checkpoint / CARD}")


@commands.command()
def tune(
    system: SystemName,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of the study.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Total number of trials, with those of a killed search.")] = 20,
    iterations: Annotated[int, typer.Option(min=1, help="Length of each trial's training.")] = 300,
    sampler_only: Annotated[
        bool, typer.Option("--sampler-only", help="Try samplers for a finished checkpoint, without training.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Search only this key; may be repeated.")
    ] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    starts: Annotated[int, typer.Option(min=1, help="Number of validation forecasts of each trial.")] = 8,
    members: Annotated[int, typer.Option(min=2, help="Members of each forecast.")] = 8,
    lead: Annotated[str, typer.Option(metavar="5d", help="Length of each forecast.")] = "5d",
    device: Device = "auto",
) -> None:
    """Search noise levels, weights and sampler by fair CRPS on validation days; prints lines for the system file.

    Trials that fall behind are stopped. The same command continues a killed search. Test days are never used.
    """
    from pipelines.tuning.search import trials_file
    from pipelines.tuning.search import tune as search
    from pipelines.tuning.search_request import SearchRequest
    from pipelines.tuning.search_result import describe_result
    from pipelines.tuning.search_space import chosen_space
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system, requested_lead_steps

    if checkpoint is not None and not sampler_only:
        raise ConfigurationError("--checkpoint: expected --sampler-only with it, found a search that trains")
    found, place = find_system(system), home()
    request = SearchRequest(
        system=found,
        analysis=find_analysis(place, found, analysis),
        directory=out or place.search(f"{found.name}-{'sampler' if sampler_only else 'training'}"),
        space=chosen_space(found, tuple(only or ()), sampler_only=sampler_only),
        trials=trials,
        iterations=iterations,
        checkpoint=find_checkpoint(place, found, checkpoint) if sampler_only else None,
        starts=starts,
        members=members,
        lead_steps=requested_lead_steps(found, lead),
        device=choose_device(device),
    )
    print(describe_result(search(request)))
    print(f"Trials: {trials_file(request.directory)}")
