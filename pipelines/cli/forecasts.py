"""Commands that make forecasts, once or on a schedule."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli.options import (
    AllowSuspect,
    AnalysisOption,
    BandsOption,
    CheckpointOption,
    DatasetName,
    Device,
    Processes,
    PublishAnyway,
    SchedulerOption,
    ScoresOption,
    SourceOption,
    StepOption,
    SystemName,
)
from pipelines.terminal.output import say
from pipelines.terminal.processes import launch, without_processes

commands = typer.Typer()
LeadOption = Annotated[str | None, typer.Option(metavar="10d", help="Length of the forecast [default: the system's].")]
OnlyMember = Annotated[int | None, typer.Option(min=0, help="Make this member alone (counted from 0); needs --out.")]
WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if", metavar="CONDITION", help="Make members meet it: 'msl@64N,22W < 97500 at 72h'; repeatable."
    ),
]
Observe = Annotated[
    Path | None,
    typer.Option("--observe", metavar="FILE", help="Draw members to observations: CSV or NetCDF, see the guide."),
]


@commands.command()
def forecast(
    context: typer.Context,
    system: SystemName,
    init: Annotated[str, typer.Option("--init", metavar="ISO", help="Start of the forecast, UTC.")],
    members: Annotated[int | None, typer.Option(min=1, help="Size of the ensemble [default: the system's].")] = None,
    lead: LeadOption = None,
    step: StepOption = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Runs go to DIR/<system>/<time>/.")] = None,
    only_member: OnlyMember = None,
    allow_suspect: AllowSuspect = False,
    publish_anyway: PublishAnyway = False,
    what_if: WhatIf = None,
    observe: Observe = None,
    device: Device = "auto",
    processes: Processes = 1,
    bands: BandsOption = 1,
) -> int:
    """Make one run: members as NetCDF, products, figures, page.

    A killed run continues where it stopped; asking for more members keeps those that exist. Processes started by
    torchrun divide the members among them.
    """
    if processes > 1 and not what_if and observe is None:
        return launch(without_processes(context.obj), processes)
    from pipelines.runs.control import imposed_conditions
    from pipelines.runs.cycle import Cycle, check_single_member
    from pipelines.runs.forecast import forecast_cycle
    from pipelines.terminal.times import parse_time
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system, in_steps, requested_lead_steps

    usual, place = find_system(system), home()
    found = in_steps(usual, step)
    _check_alone(only_member, out, members)
    if found.state.step_hours != usual.state.step_hours:
        _check_elsewhere(out, f"--step {step}", f"steps of {usual.state.step_hours} h")
    _check_conditioned("--what-if" if what_if else "--observe" * bool(observe), out, place.runs, max(processes, bands))
    request = Cycle(
        system=found,
        init_time=parse_time(init, "--init"),
        analysis=find_analysis(place, found, analysis),
        checkpoint=find_checkpoint(place, found, checkpoint),
        runs=place.runs if out is None else out.absolute(),
        members=tuple(range(members or found.forecast.members)) if only_member is None else (only_member,),
        lead_steps=requested_lead_steps(found, lead),
        device=choose_device(device),
        bands=bands,
        allow_suspect=allow_suspect,
        publish_anyway=publish_anyway,
        conditions=imposed_conditions(found, parse_time(init, "--init"), what_if or (), observe),
    )
    if only_member is not None:
        check_single_member(request)
    say(f"Run: {forecast_cycle(request)}")
    return 0


def _check_elsewhere(out: Path | None, option: str, usual: str) -> None:
    """Raise an error if a run that is unlike those at home would be made there."""
    if out is None:
        raise ConfigurationError(f"{option}: expected --out DIR with it, because runs at home have {usual}")


def _check_alone(only_member: int | None, out: Path | None, members: int | None) -> None:
    """Raise an error if a single member would stand where ensembles do, or is asked for together with one."""
    if only_member is not None and (out is None or members is not None):
        raise ConfigurationError("--only-member: expected --out DIR and no --members with it")


def _check_conditioned(option: str, out: Path | None, usual: Path, processes: int) -> None:
    """Raise an error if conditioned members, asked for by an option, would stand where free ones do or be divided."""
    if not option:
        return
    _check_elsewhere(out, option, "members that are free")
    if out is not None and out.resolve() == usual.resolve():
        raise ConfigurationError(f"{option}: expected --out other than {usual}, where runs are free")
    if processes > 1:
        raise ConfigurationError(f"{option}: expected one process, found --processes or --bands")


@commands.command()
def fetch(
    dataset: DatasetName,
    init: Annotated[str, typer.Option(metavar="ISO", help="Start of the forecast, UTC: 00, 06, 12 or 18 h.")],
    lead: Annotated[str, typer.Option(metavar="5d", help="Longest lead time, such as 10d or 36h.")],
    channel: Annotated[list[str], typer.Option(metavar="CHANNEL", help="Field to fetch; repeat for several.")],
    out: Annotated[Path, typer.Option(metavar="FILE.nc", help="NetCDF file to write.")],
    every: Annotated[
        str | None, typer.Option(metavar="24h", help="Step of lead times [default: the dataset's].")
    ] = None,
    members: Annotated[
        str | None, typer.Option(metavar="all|N", help="Members of the ensemble [default: the single forecast].")
    ] = None,
    source: SourceOption = None,
) -> None:
    """Fetch a forecast of the centre that a dataset comes from, as NetCDF that 'verify' takes."""
    from data_catalog.sources.forecasts import ForecastRequest
    from pipelines.data.fetching import fetch_forecast, parse_members
    from pipelines.terminal.times import lead_steps, parse_hours, parse_time
    from pipelines.workspace.datasets import find_dataset
    from pipelines.workspace.home import home

    entry = find_dataset(home(), dataset)
    step = entry.step_hours if every is None else parse_hours(every, "--every")
    leads = tuple(step * (number + 1) for number in range(lead_steps(parse_hours(lead, "--lead"), step)))
    request = ForecastRequest(parse_time(init, "--init"), leads, tuple(channel), parse_members(entry, members))
    print(fetch_forecast(entry, request, out, source=source))


@commands.command()
def report(run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Draw the figures of a run again, and write its page."""
    from pipelines.runs.republish import refresh_report
    from pipelines.workspace.home import home

    print(f"Page: {refresh_report(home(), run)}")


@commands.command()
def check(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run directories, or URLs of published runs.")],
    member: Annotated[
        str | None, typer.Option(metavar="random|N", help="Also make this member again, and compare it.")
    ] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    device: Device = "auto",
) -> None:
    """Prove that runs are what was published: every file by the manifest, and the manifest by the forecast file.

    With --member a member of each run is made again from its model, system and analysis, and must be the stored one.
    """
    from pipelines.operations.check import check_runs

    further = None
    if member is not None:
        from pipelines.operations.remaking import Remaking, parse_member, remake_member
        from pipelines.workspace.devices import choose_device
        from pipelines.workspace.home import home

        remaking = Remaking(home(), parse_member(member), checkpoint, analysis, choose_device(device))
        further = partial(remake_member, remaking)
    elif checkpoint is not None or analysis is not None:
        raise ConfigurationError("check: expected --member with --checkpoint or --analysis, found none")
    for line in check_runs(runs, further):
        print(line)


@commands.command()
def publish(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    to: Annotated[str | None, typer.Option(metavar="URL", help="Where to [default: that of --system].")] = None,
    system: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="Copy to where this system publishes, its [publish] to.")
    ] = None,
) -> None:
    """Copy runs to object storage (s3://, gs://, az://) or to a directory (file:///), if they are not there already.

    Readers there find a whole run or none. Credentials come from the environment.
    """
    from pipelines.operations.publication import copy_by_hand
    from pipelines.workspace.systems import find_system

    url = to or (None if system is None else find_system(system).publish.to)
    if url is None:
        raise ConfigurationError("publish: expected --to URL, or --system SYSTEM with [publish] to, found neither")
    for line in copy_by_hand(runs, url):
        print(line)


@commands.command()
def cycle(
    system: SystemName,
    init: Annotated[
        str | None, typer.Option("--init", metavar="ISO", help="Start [default: those that are due].")
    ] = None,
    source: SourceOption = None,
    checkpoint: CheckpointOption = None,
    members: Annotated[int | None, typer.Option(min=2, help="Size of the ensemble [default: the system's].")] = None,
    scores: ScoresOption = None,
    processes: Processes = 1,
    scheduler: SchedulerOption = "local",
) -> None:
    """Run what is due: ingest new data, forecast, publish, verify earlier runs that can be verified now.

    The ledger knows which cycles are due ('plumecast status'). Simulated weather is played back: each cycle starts one
    interval of the schedule after the one before. --processes divide the members; --scheduler reads and packs new data,
    and scores runs.
    """
    from pydantic import SecretStr

    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import check_scheduler
    from pipelines.workspace.systems import find_system

    require("torch")
    require("prefect")
    place = home()
    prepare_prefect(place)
    find_system(system)
    check_scheduler(scheduler)
    from pipelines.flows.server import short_lived_server

    given, kept = (None if path is None else str(path.absolute()) for path in (checkpoint, scores))
    secret = None if source is None else SecretStr(source)
    with short_lived_server(place):
        from pipelines.flows.cycle import cycle_flow
        from pipelines.flows.pending import reported
        from pipelines.flows.resources import Resources

        with reported():
            runs = cycle_flow(
                system,
                str(place.root),
                init=init,
                source=secret,
                checkpoint=given,
                members=members,
                scores=kept,
                resources=Resources(processes=processes, scheduler=scheduler),
            )
    for run in runs:
        print(f"Run: {run}")
