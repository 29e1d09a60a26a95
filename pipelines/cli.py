"""The command line: reads options, calls the plain steps or flows, prints where the results are.

Everything heavy is imported where it is used, so that help comes at once.
"""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipelines.exits import exit_status
from pipelines.launching import check_shared, speaks
from pipelines.progress import StderrHandler

app = typer.Typer(
    name="plumecast",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Probabilistic weather ensembles from reanalysis: ingest, train, forecast, verify.\n\n"
    "SYSTEM is a shipped name (speedy-5p6, ncep-natlantic, era5-5p6, ...) or a path to a TOML file. Archives, "
    "checkpoints and runs live under PLUMECAST_HOME (default ./plumecast-data). Exit status: 0 done, 2 input or "
    "configuration is wrong, 3 data is not there yet, 1 a fault of ours.",
)
catalog_app = typer.Typer(rich_markup_mode=None, help="What data is known, and what of it is archived.")
app.add_typer(catalog_app, name="catalog")

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="Shipped name, or path to a TOML file.")]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu or cuda.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes of this machine that share the work; one a GPU.")]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="DIR", help="Checkpoint [default: the one trained here, else the shipped one]."
    ),
]
AnalysisOption = Annotated[
    Path | None,
    typer.Option("--analysis", metavar="FILE_OR_ARCHIVE", help="Analysis [default: the archive of the dataset]."),
]
ScoresOption = Annotated[
    Path | None,
    typer.Option("--scores", metavar="DIR", help="Score archive [default: PLUMECAST_HOME/scores/<system>]."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="PATH_OR_URL", help="Read from here instead of the catalogue's source."),
]


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere.")] = False,
) -> None:
    """Options of every command; `main` has read them already."""
    check_shared(context.invoked_subcommand)


@app.command()
def demo(
    train: Annotated[bool, typer.Option("--train", help="First train a small network on the spot.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything goes.")] = Path("plumecast-demo"),
) -> None:
    """Go the whole way on the bundled simulated weather, offline: archive, forecasts, scores, pictures, page."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.home import home

    place = home(out)
    prepare_prefect(place)
    from pipelines.demo import print_summary
    from pipelines.flows.demo import demo_flow
    from pipelines.flows.starting import with_server

    print_summary(with_server(lambda: demo_flow(str(place.root), train=train)))


@catalog_app.command("list")
def catalog_list() -> None:
    """List the datasets that are known."""
    from pipelines.cataloguing import print_datasets
    from pipelines.home import home

    print_datasets(home())


@catalog_app.command("show")
def catalog_show(
    dataset: Annotated[str, typer.Argument(metavar="DATASET")],
    deep: Annotated[bool, typer.Option("--deep", help="Read every chunk of the archive.")] = False,
) -> None:
    """Show one dataset: its source and licence, and whether its archive is there, up to when, and sound."""
    from pipelines.cataloguing import print_dataset
    from pipelines.home import home

    print_dataset(home(), dataset, deep=deep)


@app.command()
def ingest(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A name that 'plumecast catalog list' shows.")],
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First time wanted.")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last time wanted.")] = None,
    source: SourceOption = None,
    archive: Annotated[Path | None, typer.Option(metavar="DIR", help="Archive to write instead.")] = None,
) -> None:
    """Copy a source into the local archive, checked; resumes, appends what is new, heals holes."""
    from data_catalog.catalog import dataset as find_dataset
    from pipelines.clock import parse_moment
    from pipelines.home import home
    from pipelines.ingesting import describe, ingest_dataset

    entry = find_dataset(dataset)
    place = archive or home().archive(entry.name)
    first = parse_moment(start, "--start") if start else None
    last = parse_moment(end, "--end") if end else None
    summary = ingest_dataset(entry, place, source=source, start=first, end=last)
    print(describe(summary))


@app.command()
def train(
    context: typer.Context,
    system: SystemName,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished training.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Directory of the checkpoint.")] = None,
    analysis: AnalysisOption = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="In place of the system's number.")] = None,
    begin_with: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Checkpoint to start from, without denoising it anew.")
    ] = None,
    device: Device = "auto",
    processes: Processes = 1,
) -> int:
    """Train a system's model on its archive, and fit the baselines that it is measured against.

    Started by torchrun, its processes share the training, on any number of machines.
    """
    if processes > 1:
        return _launch(context, processes)
    from pipelines.analyses import find_analysis, open_system_analysis
    from pipelines.devices import choose_device
    from pipelines.home import home
    from pipelines.systems import find_system
    from pipelines.training import train_system

    found = find_system(system)
    place = home()
    data = open_system_analysis(find_analysis(place, found, analysis), found)
    directory = out or place.checkpoint(found.name)
    train_system(
        found,
        data,
        directory,
        resume=resume,
        device=choose_device(device),
        iterations=iterations,
        begin_with=begin_with,
    )
    _say(f"Checkpoint: {directory}")
    return 0


@app.command()
def forecast(
    context: typer.Context,
    system: SystemName,
    init: Annotated[str, typer.Option("--init", metavar="ISO", help="Start of the forecast, UTC.")],
    members: Annotated[int | None, typer.Option(min=1, help="Size of the ensemble [default: the system's].")] = None,
    lead: Annotated[str | None, typer.Option(metavar="10d", help="How far [default: the system's].")] = None,
    checkpoint: CheckpointOption = None,
    analysis: AnalysisOption = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Runs go to DIR/<system>/<time>/.")] = None,
    only_member: Annotated[
        int | None, typer.Option(min=0, help="Make this member alone (counted from 0); needs --out.")
    ] = None,
    device: Device = "auto",
    processes: Processes = 1,
) -> int:
    """Make one run: members as NetCDF, products, pictures, page.

    A killed run goes on where it stopped, and asking for more members keeps those that are there. Started by torchrun,
    its processes share the members.
    """
    if processes > 1:
        return _launch(context, processes)
    from pipelines.forecasting import forecast_cycle
    from pipelines.home import home
    from pipelines.requesting import request_cycle

    run = forecast_cycle(
        request_cycle(
            home(),
            system,
            init,
            members=members,
            lead=lead,
            checkpoint=checkpoint,
            analysis=analysis,
            runs=out,
            only_member=only_member,
            device=device,
        )
    )
    _say(f"Run: {run}")
    return 0


@app.command()
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
    from pipelines.analyses import find_analysis
    from pipelines.fitting_levels import fit_system_levels
    from pipelines.home import home
    from pipelines.systems import find_checkpoint, find_system

    found, place = find_system(system), home()
    directory, data = find_checkpoint(place, found, checkpoint), find_analysis(place, found, analysis)
    print(f"[sampler]\n{fit_system_levels(found, directory, data, sampling_steps=steps, samples=samples)}")


@app.command()
def evaluate(
    system: SystemName,
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where the scores go.")],
    analysis: AnalysisOption = None,
    checkpoint: CheckpointOption = None,
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First start [default: of the test period].")] = None,
    end: Annotated[
        str | None, typer.Option(metavar="ISO", help="Last valid time [default: of the test period].")
    ] = None,
    every: Annotated[str, typer.Option(metavar="6d", help="Time between starts.")] = "6d",
    members: Annotated[int | None, typer.Option(min=2, help="Size of the ensemble [default: the system's].")] = None,
    lead: Annotated[str | None, typer.Option(metavar="7d", help="How far [default: the system's].")] = None,
    scores: ScoresOption = None,
    device: Device = "auto",
) -> None:
    """Forecast and score many cycles, with every baseline beside the model; draw scorecards against them.

    Each scored cycle is kept in the score archive, so a killed evaluation goes on, and a longer one has less to do.
    """
    from pipelines.evaluating import evaluate_to
    from pipelines.home import home
    from pipelines.requesting import request_evaluation
    from pipelines.score_tables import print_scores
    from pipelines.scorecard_outputs import draw_evaluation_cards

    wanted = request_evaluation(
        home(),
        system,
        analysis=analysis,
        checkpoint=checkpoint,
        scores=scores,
        start=start,
        end=end,
        every=every,
        members=members,
        lead=lead,
        device=device,
    )
    evaluated = evaluate_to(wanted, out)
    print_scores(evaluated.content)
    print(f"Scores: {out}")
    print(f"Score archive: {wanted.scores}")
    for card in draw_evaluation_cards(wanted.scores, evaluated.labels, evaluated.init_times, out):
        print(f"Scorecard: {card}")


@app.command()
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
    from pipelines.calibrating import calibrate as fit_card
    from pipelines.calibrating import describe_card
    from pipelines.home import home
    from pipelines.requesting import request_calibration

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


@app.command()
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
    from pipelines.home import home
    from pipelines.requesting import request_search
    from pipelines.tuning import describe_search
    from pipelines.tuning import tune as search

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


@app.command()
def verify(
    forecasts: Annotated[
        list[Path], typer.Argument(metavar="RUN_OR_FILE...", help="Runs, or anyone's ensemble files.")
    ],
    analysis: AnalysisOption = None,
    system: Annotated[
        str | None,
        typer.Option(metavar="SYSTEM", help="Judge as this system says: its analysis, regions and score archive."),
    ] = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="Of anyone's file; repeat for several [default: all that it has].")
    ] = None,
    forecaster: Annotated[
        str | None,
        typer.Option(help="Name of anyone's forecasts in the score archive [default: of the file or its directory]."),
    ] = None,
    scores: ScoresOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Where the pooled scores go.")] = None,
) -> None:
    """Score forecasts that exist, and keep the scores. A run gets its scores.json and a page that shows them."""
    from pipelines.home import home
    from pipelines.score_tables import print_scores, write_evaluation
    from pipelines.systems import find_system
    from pipelines.verifying import Judge
    from pipelines.verifying import verify as verify_all

    judge = Judge(
        home(),
        analysis=analysis,
        system=None if system is None else find_system(system),
        scores=scores,
        forecaster=forecaster,
        channels=tuple(channel or ()),
    )
    verified = verify_all(judge, forecasts)
    print_scores(verified.content)
    if out is not None:
        print(f"Scores: {write_evaluation(verified.content, out)}")
    for archive in verified.score_archives:
        print(f"Score archive: {archive}")


@app.command("scorecard")
def scorecard_command(
    archives: Annotated[
        list[str],
        typer.Argument(metavar="SYSTEM_OR_ARCHIVE [OTHER]", help="Whose scores; with OTHER, two systems are compared."),
    ],
    forecaster: Annotated[str | None, typer.Option(metavar="NAME", help="To be judged [default: the model].")] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="NAME", help="To be judged by [default: the model of OTHER, else linear].")
    ] = None,
    score: Annotated[str, typer.Option(help="crps, rmse or mae.")] = "crps",
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First init time.")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last init time.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Repeat for several [default: all].")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Repeat for several [default: all].")] = None,
    out: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="card.png, card.csv or card.json; repeat for several.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only list who is in the archive.")] = False,
) -> None:
    """Compare two forecasters over the cycles that both were scored on: by how much, and whether it is luck."""
    from pipelines.clock import parse_end, parse_time
    from pipelines.home import home
    from pipelines.scorecard_outputs import check_out, print_card, print_forecasters, write_card
    from pipelines.scorecards import Selection, choose_sides, compare, find_score_archives

    found = find_score_archives(home(), archives)
    if show:
        for archive in found:
            print_forecasters(archive)
        return
    for path in out or ():
        check_out(path)
    ours, theirs = choose_sides(found, forecaster, reference)
    selection = Selection(
        score=score,
        start=parse_time(start, "--start") if start else None,
        end=parse_end(end, "--end") if end else None,
        channels=tuple(channel or ()),
        regions=tuple(region or ()),
    )
    card = compare(ours, theirs, selection)
    print_card(card, ours, theirs)
    for path in out or ():
        print(f"Scorecard: {write_card(card, ours, theirs, path)}")


@app.command()
def report(run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Draw the pictures of a run again and write its page."""
    from pipelines.home import home
    from pipelines.reporting import refresh_report

    print(f"Page: {refresh_report(home(), run)}")


@app.command()
def cycle(
    system: SystemName,
    init: Annotated[
        str | None, typer.Option("--init", metavar="ISO", help="Start [default: the one that is due].")
    ] = None,
    source: SourceOption = None,
    checkpoint: CheckpointOption = None,
    members: Annotated[int | None, typer.Option(min=2, help="Size of the ensemble [default: the system's].")] = None,
    scores: ScoresOption = None,
) -> None:
    """Run one scheduled cycle: ingest what is new, forecast, publish, verify what has become verifiable.

    Simulated weather is played in time: each cycle takes the next start after the newest run.
    """
    from pipelines.flows.environment import prepare_prefect
    from pipelines.home import home
    from pipelines.systems import find_system

    place = home()
    prepare_prefect(place)
    find_system(system)
    from pipelines.flows.cycle import cycle_flow
    from pipelines.flows.starting import with_server

    given, kept = (None if path is None else str(path.absolute()) for path in (checkpoint, scores))
    run = with_server(
        lambda: cycle_flow(
            system, str(place.root), init=init, source=source, checkpoint=given, members=members, scores=kept
        )
    )
    print(f"Run: {run}")


@app.command()
def serve(
    systems: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM...]", help="Default: those that can run.")
    ] = None,
    cron: Annotated[str | None, typer.Option(help="Schedule in place of each system's own.")] = None,
    port: Annotated[int, typer.Option(help="Port of the local Prefect server, if one has to be started.")] = 4200,
) -> None:
    """Deploy each system's schedule and serve it until interrupted, with the Prefect page beside it."""
    from pipelines.flows.environment import prepare_prefect
    from pipelines.home import home
    from pipelines.systems import find_system, servable_systems

    place = home()
    prepare_prefect(place)
    chosen = [(name, find_system(name)) for name in systems or servable_systems(place)]
    from pipelines.flows.serving import serve_systems

    serve_systems(place, chosen, cron=cron, port=port)


@app.command()
def doctor(
    systems: Annotated[
        list[str] | None, typer.Argument(metavar="[SYSTEM...]", help="Say what these cost instead.")
    ] = None,
) -> None:
    """Say what this machine can and cannot do, and how to mend what is missing; or what systems cost.

    With SYSTEM: weights, memory and arithmetic of training and forecast, found without data or GPU.
    """
    if systems:
        from pipelines.costing import print_costs
        from pipelines.systems import find_system

        print_costs([find_system(name) for name in systems])
        return
    from pipelines.doctoring import examine, print_findings
    from pipelines.home import home

    if not print_findings(examine(home())):
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; the process's own when None.

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
    _log_to_stderr(debug)
    returned: list[object] = []
    run = partial(app, words, prog_name="plumecast", standalone_mode=False, obj=given)
    status = exit_status(lambda: returned.append(run()), debug=debug)
    return returned[0] if status == 0 and isinstance(returned[0], int) else status


def _launch(context: typer.Context, processes: int) -> int:
    """Run the words of this command line again, as several processes."""
    from pipelines.launching import launch, without_processes

    return launch(without_processes(context.obj), processes)


def _say(text: str) -> None:
    if speaks():
        print(text)


def _log_to_stderr(debug: bool) -> None:
    logger = logging.getLogger("plumecast")
    logger.setLevel(logging.DEBUG if debug else logging.INFO if speaks() else logging.WARNING)
    if not any(isinstance(handler, StderrHandler) for handler in logger.handlers):
        handler = StderrHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        logger.addHandler(handler)
