"""Commands that score systems and forecasts, and compare scores."""

from pathlib import Path
from typing import Annotated

import typer

from data_catalog.errors import ConfigurationError
from pipelines.cli.options import (
    AnalysisOption,
    ChannelsOption,
    CheckpointOption,
    Device,
    ForecasterOption,
    JsonOption,
    JudgingSystemOption,
    OrographyOption,
    PlaceMethodOption,
    SchedulerOption,
    ScoresOption,
    StationsOption,
    StepOption,
    SystemName,
    UnitsOption,
)

commands = typer.Typer()


@commands.command()
def evaluate(
    system: SystemName,
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="File for the scores.")],
    analysis: AnalysisOption = None,
    checkpoint: CheckpointOption = None,
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First start [default: of the test period].")] = None,
    end: Annotated[
        str | None, typer.Option(metavar="ISO", help="Last valid time [default: of the test period].")
    ] = None,
    every: Annotated[str, typer.Option(metavar="6d", help="Time between starts.")] = "6d",
    members: Annotated[int | None, typer.Option(min=2, help="Size of the ensemble [default: the system's].")] = None,
    lead: Annotated[
        str | None, typer.Option(metavar="7d", help="Length of each forecast [default: the system's].")
    ] = None,
    step: StepOption = None,
    scores: ScoresOption = None,
    device: Device = "auto",
    scheduler: SchedulerOption = "local",
) -> None:
    """Forecast and score many cycles with the model and every baseline; draw scorecards against the baselines.

    Scored cycles are stored in the score archive: a killed evaluation continues, and a longer one reuses them.
    """
    from pipelines.scoring.evaluate import evaluate_to
    from pipelines.scoring.evaluation_request import EvaluationRequest
    from pipelines.scoring.scorecard_output import draw_evaluation_cards
    from pipelines.scoring.tables import print_scores
    from pipelines.terminal.times import parse_end, parse_hours, parse_time
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import check_scheduler, open_scheduler
    from pipelines.workspace.systems import find_system, in_steps, requested_lead_steps

    check_scheduler(scheduler)
    found, place = in_steps(find_system(system), step), home()
    test = found.periods.test
    first, last = parse_time(start or str(test.start), "--start"), parse_end(end or str(test.end), "--end")
    if last <= first:
        raise ConfigurationError(f"--end: expected a time after {start or test.start}, found {end or test.end}")
    request = EvaluationRequest(
        system=found,
        analysis=find_analysis(place, found, analysis),
        checkpoint=find_checkpoint(place, found, checkpoint),
        scores=scores or place.score_archive(found.name),
        start=first,
        end=last,
        every_hours=parse_hours(every, "--every"),
        members=members or found.forecast.members,
        lead_steps=requested_lead_steps(found, lead),
        device=choose_device(device),
    )
    with open_scheduler(scheduler, place) as workers:
        result = evaluate_to(request, out, workers)
    print_scores(result.report)
    print(f"Scores: {out}\nScore archive: {request.scores}")
    for card in draw_evaluation_cards(request.scores, result.labels, result.starts, out):
        print(f"Scorecard: {card}")


@commands.command()
def verify(
    forecasts: Annotated[
        list[str], typer.Argument(metavar="RUN_OR_FILE...", help="Runs, or anyone's ensemble files or URLs of Zarr.")
    ],
    analysis: AnalysisOption = None,
    system: JudgingSystemOption = None,
    channel: ChannelsOption = None,
    forecaster: ForecasterOption = None,
    scores: ScoresOption = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="File for the pooled scores.")] = None,
    stations: StationsOption = None,
    at: PlaceMethodOption = "nearest",
    orography: OrographyOption = None,
    units: UnitsOption = None,
    scheduler: SchedulerOption = "local",
    as_json: JsonOption = False,
) -> None:
    """Score existing forecasts and archive the scores. A run gets a scores.json and a page that shows them.

    With --stations, or for CSV tables of ensembles at stations, forecasts are scored against observations.
    """
    from pipelines.scoring.stations.request import is_table

    if stations is not None or any(map(is_table, forecasts)):
        from pipelines.scoring.stations.command import StationOptions, verify_and_print

        options = StationOptions(stations, at, orography, tuple(channel or ()), units)
        verify_and_print(forecasts, options, out, as_json=as_json)
        return
    from forecast.verification.evaluation_report import evaluation_json, write_evaluation
    from pipelines.operations.verify import verify as verify_all
    from pipelines.scoring.tables import print_scores
    from pipelines.scoring.verification_request import VerificationRequest
    from pipelines.workspace.datasets import declare_variables
    from pipelines.workspace.home import home
    from pipelines.workspace.scheduler import open_scheduler
    from pipelines.workspace.systems import find_system

    declare_variables(home())
    request = VerificationRequest(
        home(),
        analysis=analysis,
        system=None if system is None else find_system(system),
        scores=scores,
        forecaster=forecaster,
        channels=tuple(channel or ()),
    )
    with open_scheduler(scheduler, request.home) as workers:
        verified = verify_all(request, forecasts, workers)
    if out is not None:
        write_evaluation(verified.report, out)
    if as_json:
        print(evaluation_json(verified.report))
        return
    print_scores(verified.report)
    if out is not None:
        print(f"Scores: {out}")
    for archive in verified.score_archives:
        print(f"Score archive: {archive}")


@commands.command()
def postprocess(
    forecasts: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Tables of ensembles at stations.")],
    out: Annotated[Path, typer.Option(metavar="FILE.csv|FILE.nc", help="File for the calibrated members.")],
    train: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table of earlier forecasts with observations.")
    ] = None,
    method: Annotated[str, typer.Option(metavar="emos|mbm", help="How members are made.")] = "emos",
    start: Annotated[
        str | None, typer.Option(metavar="ISO", help="First start to calibrate [default: that of the tables].")
    ] = None,
    fixed: Annotated[bool, typer.Option("--fixed", help="Fit once, instead of every 14 days.")] = False,
    scores: Annotated[Path | None, typer.Option(metavar="FILE.json", help="File for the scores.")] = None,
    channel: Annotated[str | None, typer.Option(help="Quantity, such as t2m [default: what the table says].")] = None,
) -> None:
    """Calibrate ensembles at stations, each fitted to what was observed before its start; score them beside the raw."""
    from pipelines.scoring.stations.postprocess import PostprocessRequest, postprocess_to
    from pipelines.scoring.stations.report import print_report, write_report
    from pipelines.terminal.times import parse_time

    first = parse_time(start, "--start") if start else None
    request = PostprocessRequest(tuple(map(str, forecasts)), train, method, first, fixed, channel)
    report = postprocess_to(request, out)
    if report is not None:
        print_report(report)
        if scores is not None:
            print(f"Scores: {write_report(report, scores)}")
    print(f"Members: {out}")


@commands.command("scorecard")
def scorecard_command(
    archives: Annotated[
        list[str],
        typer.Argument(
            metavar="SYSTEM_OR_ARCHIVE [OTHER]", help="System or score archive; with OTHER, two systems are compared."
        ),
    ],
    forecaster: Annotated[str | None, typer.Option(metavar="NAME", help="Forecaster [default: the model].")] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Reference forecaster [default: the model of OTHER, else linear]."),
    ] = None,
    score: Annotated[str, typer.Option(help="crps, rmse or mae.")] = "crps",
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First init time.")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last init time.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Repeat for several [default: all].")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Repeat for several [default: all].")] = None,
    out: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="card.png, card.csv or card.json; repeat for several.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only list the forecasters in the archive.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two forecasters over the cycles that both were scored on, with tests of significance."""
    from pipelines.scoring.scorecard import Selection, choose_forecasters, compare, find_score_archives
    from pipelines.scoring.scorecard_output import (
        card_json,
        check_out,
        gates_of,
        print_card,
        print_forecasters,
        write_card,
    )  # fmt: skip
    from pipelines.terminal.times import parse_end, parse_time
    from pipelines.workspace.home import home

    found = find_score_archives(home(), archives)
    if show:
        for archive in found:
            print_forecasters(archive)
        return
    for path in out or ():
        check_out(path)
    ours, theirs = choose_forecasters(found, forecaster, reference)
    selection = Selection(
        score=score,
        start=parse_time(start, "--start") if start else None,
        end=parse_end(end, "--end") if end else None,
        channels=tuple(channel or ()),
        regions=tuple(region or ()),
    )
    card = compare(ours, theirs, selection)
    written = [write_card(card, ours, theirs, path) for path in out or ()]
    gates = gates_of(ours)
    if as_json:
        print(card_json(card, gates))
        return
    print_card(card, ours, theirs, gates)
    for path in written:
        print(f"Scorecard: {path}")


@commands.command()
def realism(
    system: SystemName,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory for the results [default: realism-SYSTEM here].")
    ] = None,
    analysis: AnalysisOption = None,
    checkpoint: CheckpointOption = None,
    start: Annotated[str | None, typer.Option(metavar="ISO", help="First day [default: of the test period].")] = None,
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Last day [default: of the test period].")] = None,
    starts: Annotated[int, typer.Option(min=2, help="Number of forecasts, spread evenly.")] = 36,
    members: Annotated[int, typer.Option(min=2, help="Size of each ensemble.")] = 8,
    lead: Annotated[
        str | None, typer.Option(metavar="7d", help="Length of each forecast [default: the system's].")
    ] = None,
    device: Device = "auto",
    as_json: JsonOption = False,
) -> None:
    """Judge whether members look and behave like the weather: spectra, growth of differences, balance, ranks.

    Each gate passes if every figure lies within limits that come from the weather of the validation period. The results
    are also kept beside a checkpoint of one's own, where 'scorecard' shows and 'promote' reads them.
    """
    from forecast.verification.realism.report import realism_json
    from pipelines.scoring.realism import RealismRequest, measure_realism, realism_period
    from pipelines.scoring.realism_output import print_realism, write_outputs
    from pipelines.workspace.analyses import find_analysis
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.devices import choose_device
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system, requested_lead_steps

    found, place = find_system(system), home()
    request = RealismRequest(
        system=found,
        analysis=find_analysis(place, found, analysis),
        checkpoint=find_checkpoint(place, found, checkpoint),
        period=realism_period(found, start, end),
        starts=starts,
        members=members,
        lead_steps=requested_lead_steps(found, lead),
        device=choose_device(device),
    )
    report = measure_realism(request)
    written = write_outputs(report, found, request.checkpoint, out or Path(f"realism-{found.name}"))
    if as_json:
        print(realism_json(report), end="")
        return
    print_realism(report)
    for path in written:
        print(f"Written: {path}")
