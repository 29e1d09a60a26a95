"""Models: trained, fitted and tuned."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AnalysisOption, CheckpointOption, Device, Processes, SystemName
from pipelines.terminal.output import say
from pipelines.terminal.processes import launch, without_processes

commands = typer.Typer()


@commands.command()
def train(
    context: typer.Context,
    system: SystemName,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished training.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of the checkpoint.")] = None,
    analysis: AnalysisOption = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="In place of the system's number.")] = None,
    initial_checkpoint: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Checkpoint to start from, without denoising it anew.")
    ] = None,
    network: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="This one of the system's networks alone, from 0.")
    ] = None,
    device: Device = "auto",
    processes: Processes = 1,
) -> int:
    """Train a system's model on its archive, and fit the baselines that it is measured against.

    Started by torchrun, its processes share the training, on any number of machines.
    """
    if processes > 1:
        return launch(without_processes(context.obj), processes)
    from pipelines.training.train import single_network, train_system
    from pipelines.workspace.analyses import find_analysis, open_globe, open_system_analysis
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found = find_system(system)
    place = home()
    data = open_system_analysis(find_analysis(place, found, analysis), found)
    directory = out or place.checkpoint(found.name)
    if network is not None:
        found, directory = single_network(found, directory, network)
    train_system(
        found,
        data,
        directory,
        resume=resume,
        device=choose_device(device),
        iterations=iterations,
        initial_checkpoint=initial_checkpoint,
        globe=None if initial_checkpoint else open_globe(place, found),
    )
    say(f"Checkpoint: {directory}")
    return 0


@commands.command()
def levels(
    system: SystemName,
    steps: Annotated[int | None, typer.Option(min=1, help="Sampling steps [default: the sampler's].")] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    samples: Annotated[int, typer.Option(min=1, help="Validation samples to fit to.")] = 8,
) -> None:
    """Fit the sampler's noise levels to the model, on validation days; prints lines for the system file.

    Few sampling steps then stay closer to many. Scores decide whether that is better: see 'plumecast evaluate'.
    """
    from pipelines.tuning.sampler_levels import fit_system_levels
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found, place = find_system(system), home()
    directory, data = find_checkpoint(place, found, checkpoint), find_analysis(place, found, analysis)
    print(f"[sampler]\n{fit_system_levels(found, directory, data, sampling_steps=steps, samples=samples)}")


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
    starts: Annotated[int, typer.Option(min=1, help="Forecasts, spread evenly over these days.")] = 20,
    members: Annotated[int, typer.Option(min=2, help="Members of each.")] = 10,
    lead: Annotated[str | None, typer.Option(metavar="10d", help="How far [default: the system's].")] = None,
    device: Device = "auto",
) -> None:
    """Fit noise level, churn and spread of a trained model on validation days; leaves a card beside its checkpoint.

    Test days are refused. Forecasts use the card as long as the system's sampler and the weights stay the same.
    """
    from pipelines.tuning.calibrate import calibrate as fit_card
    from pipelines.tuning.calibrate import describe_card, request_calibration
    from pipelines.workspace.home import home

    wanted = request_calibration(
        home(),
        system,
        checkpoint=checkpoint,
        analysis=analysis,
        start=start,
        end=end,
        starts=starts,
        members=members,
        lead=lead,
        device=device,
    )
    print(describe_card(fit_card(wanted)))
    print(f"Card: {wanted.checkpoint / 'calibration.json'}")


@commands.command()
def tune(
    system: SystemName,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the study is kept.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="In all; a killed search goes on up to so many.")] = 20,
    iterations: Annotated[int, typer.Option(min=1, help="Length of each trial's training.")] = 300,
    sampler_only: Annotated[
        bool, typer.Option("--sampler-only", help="Try samplers of a finished checkpoint; trains nothing.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Search this key alone; may be repeated.")
    ] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    starts: Annotated[int, typer.Option(min=1, help="Validation forecasts of each trial.")] = 8,
    members: Annotated[int, typer.Option(min=2, help="Members of each.")] = 8,
    lead: Annotated[str, typer.Option(metavar="5d", help="How far.")] = "5d",
    device: Device = "auto",
) -> None:
    """Search noise levels, weights and sampler by fair CRPS on validation days; prints lines for the system file.

    Trials that fall behind are given up. A killed search goes on with the same command. Test days are never used.
    """
    from pipelines.tuning.search import tune as search
    from pipelines.tuning.study import describe_search, request_search
    from pipelines.workspace.home import home

    wanted = request_search(
        home(),
        system,
        out=out,
        trials=trials,
        iterations=iterations,
        sampler_only=sampler_only,
        only=tuple(only or ()),
        checkpoint=checkpoint,
        analysis=analysis,
        starts=starts,
        members=members,
        lead=lead,
        device=device,
    )
    print(describe_search(search(wanted)))
    print(f"Trials: {wanted.out / 'trials.json'}")
