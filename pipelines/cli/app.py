"""The command line: it reads options, calls the steps or flows, and prints where the results are.

Each command imports what it needs only when it runs, so that `plumecast --help` takes a fraction of a second.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli import data, explanation, forecasts, models, operations, registry, scores, serving
from pipelines.cli.help import HelpfulGroup
from pipelines.cli.options import BandsOption, JsonOption, complete_system
from pipelines.terminal.exit_status import INTERRUPTED, exit_status
from pipelines.terminal.output import log_to_stderr
from pipelines.terminal.processes import check_shared

app = typer.Typer(
    name="plumecast",
    cls=HelpfulGroup,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Probabilistic weather ensembles from reanalysis: ingest, train, forecast, verify.\n\n"
    "SYSTEM is a shipped name (speedy-5p6, ncep-natlantic, era5-5p6, ...) or a path to a TOML file. Archives, "
    "checkpoints and runs live under PLUMECAST_HOME (default ./plumecast-data). Exit status: 0 done, 2 input or "
    "configuration is wrong, 3 data is not there yet, 1 a bug in Plumecast.",
)


for part in (data, models, forecasts, explanation, serving, operations, registry, scores):
    app.add_typer(part.commands)


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere.")] = False,
) -> None:
    """Declare the options of all commands, which `main` reads."""
    check_shared(context.invoked_subcommand)


@app.command()
def demo(
    train: Annotated[bool, typer.Option("--train", help="Train a small network first.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for all outputs.")] = Path("plumecast-demo"),
) -> None:
    """Run everything on the bundled simulated weather, offline: archive, forecasts, scores, figures, page."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.terminal.parts import require
    from pipelines.workspace.home import home

    require("torch")
    require("prefect")
    place = home(out)
    prepare_prefect(place)
    from pipelines.cli.demo_summary import print_summary
    from pipelines.flows.server import short_lived_server

    with short_lived_server(place):
        from pipelines.flows.demo import demo_flow
        from pipelines.flows.pending import reported

        with reported():
            result = demo_flow(str(place.root), train=train)
    print_summary(result)


@app.command()
def doctor(
    systems: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SYSTEM...]", help="Print the cost of these systems instead.", autocompletion=complete_system
        ),
    ] = None,
    gpu: Annotated[str | None, typer.Option(metavar="a100|h100|h200", help="Print their cost on such GPUs.")] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes with such GPUs.")] = 1,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs of a node.")] = 1,
    bands: BandsOption = 1,
    figures: Annotated[
        Path | None, typer.Option(metavar="gpu.json", help="Speed measured by benchmarks/gpu.py, instead of assumed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report what this machine can do, what is missing and how to get it; or what systems cost.

    With SYSTEM: weights, memory and arithmetic of training and forecast, computed without data or GPU. With --nodes,
    --gpus or --gpu (h100): time, memory and network volume there, with every assumption.
    """
    if systems and (gpu or figures or max(nodes, gpus, bands) > 1):
        if as_json:
            raise ConfigurationError(
                "--json: expected findings of this machine or costs of systems, found costs on GPUs"
            )
        from pipelines.training.cluster_table import print_cluster_costs
        from pipelines.training.clusters import Cluster, gpu_named
        from pipelines.workspace.systems import find_system

        cluster = Cluster(gpu_named(gpu or "h100"), nodes, gpus, bands)
        for name in systems:
            print_cluster_costs(find_system(name), cluster, figures)
        return
    if systems:
        from pipelines.training.cost_table import costs_as_json, print_costs
        from pipelines.workspace.systems import find_system

        found = [find_system(name) for name in systems]
        if as_json:
            print(costs_as_json(found))
        else:
            print_costs(found)
        return
    from pipelines.cli.doctor import examine, findings_as_json, nothing_broken, print_findings
    from pipelines.workspace.home import home

    findings = examine(home())
    if as_json:
        print(findings_as_json(findings))
    else:
        print_findings(findings)
    if not nothing_broken(findings):
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Arguments after the name of the program; None for those of this process.

    Returns:
        The exit status.
    """
    given = tuple(sys.argv[1:] if arguments is None else arguments)
    words = list(given)
    if "--version" in words:
        from importlib.metadata import version

        print(f"plumecast {version('plumecast')}")
        return 0
    debug = "--debug" in words
    if not words:
        words = ["--help"]
    words = [word for word in words if word != "--debug"]
    log_to_stderr(debug=debug)
    returned: list[object] = []
    run = partial(app, words, prog_name="plumecast", standalone_mode=False, obj=given)

    def act() -> None:
        returned.append(run())
        if returned[0] == INTERRUPTED:  # on Ctrl-C Typer returns this status and prints nothing
            raise KeyboardInterrupt

    command = next((word for word in words if not word.startswith("-")), "plumecast")
    status = exit_status(act, command=command, debug=debug)
    return returned[0] if status == 0 and isinstance(returned[0], int) else status
