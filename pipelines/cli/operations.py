"""Commands that show and steer the cycles of systems."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import CheckpointOption, SystemName
from pipelines.terminal.output import say

commands = typer.Typer()

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the status.")]


@commands.command()
def status(
    system: Annotated[
        str | None, typer.Argument(metavar="[SYSTEM]", help="A system [default: all whose cycles have begun].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every cycle as JSON.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Write index.html and index.json beside the runs.")] = False,
) -> None:
    """Show every cycle that was due: published, or why not; what is wrong comes first."""
    from pipelines.operations.index import write_index
    from pipelines.operations.status import status_json, status_lines, status_of
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found = status_of(home(), [] if system is None else [find_system(system).name])
    if page:
        print(f"Page: {write_index(home())}")
        return
    if as_json:
        print(status_json(found))
        return
    for name, (ledger, states) in found.items():
        print("\n".join(status_lines(name, ledger, states)))
    if not found:
        print("No cycle was ever due; start with 'plumecast cycle SYSTEM'.")


@commands.command()
def hold(system: SystemName, reason: Reason = "") -> None:
    """Make no cycle of a system until it is released."""
    _hold(system, held=True, reason=reason)


@commands.command()
def release(system: SystemName, reason: Reason = "") -> None:
    """Let a held system make cycles again; what fell due meanwhile is caught up with as its schedule says."""
    _hold(system, held=False, reason=reason)


@commands.command()
def skip(
    system: SystemName,
    init: Annotated[str, typer.Option("--init", metavar="ISO", help="Start of the cycle, UTC.")],
    reason: Reason = "",
) -> None:
    """Never make a cycle that was due, such as one whose analysis is wrong for good."""
    from pipelines.operations.steering import skip_cycle
    from pipelines.terminal.times import parse_time
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    say(skip_cycle(home(), find_system(system).name, parse_time(init, "--init"), reason))


@commands.command()
def metrics(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.prom", help="File [default: PLUMECAST_HOME/cycles.prom].")
    ] = None,
) -> None:
    """Write metrics of all cycles for Prometheus, as a file for node_exporter's textfile collector.

    Each cycle does so at its end. Alert rules are in infra/prometheus.
    """
    from pipelines.operations.metrics import write_metrics
    from pipelines.workspace.home import home

    place = home()
    print(f"Metrics: {write_metrics(place, place.metrics if out is None else out)}")


@commands.command()
def clean(
    system: Annotated[
        str | None, typer.Argument(metavar="[SYSTEM]", help="A system [default: all with runs and [retention]].")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
) -> None:
    """Retire the files of runs that [retention] of their system no longer keeps; scores are kept for ever.

    Each cycle does so at its end. A run whose members are gone says so to every reader.
    """
    from pipelines.operations.cleaning import clean as clean_system
    from pipelines.operations.cleaning import cleanable_systems, require_rules
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    place = home()
    systems = cleanable_systems(place) if system is None else [find_system(system)]
    for each in systems:
        require_rules(each)
        for line in clean_system(place, each, dry_run=dry_run):
            print(line)


@commands.command()
def backfill(
    system: SystemName,
    start: Annotated[str, typer.Option(metavar="ISO", help="First init time, UTC.")],
    end: Annotated[str, typer.Option(metavar="ISO", help="Last init time, UTC.")],
    every: Annotated[
        str | None, typer.Option(metavar="24h", help="Between init times [default: the schedule's].")
    ] = None,
    members: Annotated[int | None, typer.Option(min=2, help="Size of the ensemble [default: the system's].")] = None,
    checkpoint: CheckpointOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each making one run at a time.")] = 1,
) -> None:
    """Make the runs of a past period that are missing, and verify those that can be verified.

    Continues where it was interrupted. Scheduled cycles of the system go first.
    """
    from pipelines.operations.backfill import Backfill
    from pipelines.operations.backfill import backfill as make_missing
    from pipelines.terminal.times import parse_end, parse_hours, parse_time
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    found = find_system(system)
    request = Backfill(
        home=home(),
        system=found,
        start=parse_time(start, "--start"),
        end=parse_end(end, "--end"),
        every_hours=found.schedule.every_hours if every is None else parse_hours(every, "--every"),
        members=members,
        checkpoint=checkpoint,
    )
    for line in make_missing(request, workers=workers):
        print(line)


def _hold(system: str, *, held: bool, reason: str) -> None:
    from pipelines.operations.steering import hold_system
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    say(hold_system(home(), find_system(system).name, held=held, reason=reason))
