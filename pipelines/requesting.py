"""What people ask for, in words, turned into what the steps take."""

from pathlib import Path

from data_catalog.errors import ConfigurationError
from forecast.system import Period, System
from pipelines.analyses import find_analysis
from pipelines.calibrating import CalibrationRequest
from pipelines.clock import lead_steps, parse_end, parse_hours, parse_time
from pipelines.devices import choose_device
from pipelines.evaluating import Evaluation
from pipelines.forecasting import Cycle, check_single_member
from pipelines.home import Home
from pipelines.search_space import chosen_space
from pipelines.systems import find_checkpoint, find_system, shipped_checkpoint
from pipelines.tuning import Search


def request_cycle(
    home: Home,
    system_name: str,
    init: str,
    *,
    members: int | None = None,
    lead: str | None = None,
    step: str | None = None,
    checkpoint: Path | None = None,
    analysis: Path | None = None,
    runs: Path | None = None,
    only_member: int | None = None,
    device: str = "auto",
) -> Cycle:
    """Describe one run.

    Args:
        home: Where archives, checkpoints and runs are.
        system_name: Name or path.
        init: ISO time.
        members: Size of the ensemble; the system's when None.
        lead: Such as 10d; the system's when None.
        step: Such as 12h, of those that the model has learned; the system's when None.
        checkpoint: In place of the found one.
        analysis: In place of the archive.
        runs: Root of the run directories, in place of the home's.
        only_member: Make this member alone.
        device: As the user names it.

    Raises:
        ConfigurationError: A word is wrong, or a single member, or steps of another length, would replace an ensemble.
        MissingDataError: There is no archive yet.
    """
    usual = find_system(system_name)
    system, own = _in_steps(usual, step), usual.state.step_hours
    if system.state.step_hours != own and runs is None:
        raise ConfigurationError(
            f"--step {step}: expected --out DIR beside it, as runs at home are in steps of {own} h"
        )
    if only_member is not None and (runs is None or members is not None):
        raise ConfigurationError("--only-member: expected --out DIR and no --members beside it")
    init_time = parse_time(init, "--init")
    cycle = Cycle(
        system=system,
        init_time=init_time,
        analysis=find_analysis(home, system, analysis),
        checkpoint=find_checkpoint(home, system, checkpoint),
        runs=home.runs if runs is None else runs.absolute(),
        members=tuple(range(members or system.forecast.members)) if only_member is None else (only_member,),
        lead_steps=_lead_steps(system, lead),
        device=choose_device(device),
    )
    if only_member is not None:
        check_single_member(cycle)
    return cycle


def request_evaluation(
    home: Home,
    system_name: str,
    *,
    analysis: Path | None = None,
    checkpoint: Path | None = None,
    scores: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    every: str = "6d",
    members: int | None = None,
    lead: str | None = None,
    step: str | None = None,
    device: str = "auto",
) -> Evaluation:
    """Describe an evaluation; by default over the test period.

    Raises:
        ConfigurationError: A word is wrong.
        MissingDataError: There is no archive yet.
    """
    system = _in_steps(find_system(system_name), step)
    test = system.periods.test
    first = parse_time(start or test.start.isoformat(), "--start")
    last = parse_end(end or test.end.isoformat(), "--end")
    if last <= first:
        raise ConfigurationError(f"--end: expected a time after --start {start}, found {end}")
    return Evaluation(
        system=system,
        analysis=find_analysis(home, system, analysis),
        checkpoint=find_checkpoint(home, system, checkpoint),
        scores=scores or home.score_archive(system.name),
        start=first,
        end=last,
        every_hours=parse_hours(every, "--every"),
        members=members or system.forecast.members,
        lead_steps=_lead_steps(system, lead),
        device=choose_device(device),
    )


def request_calibration(
    home: Home,
    system_name: str,
    *,
    checkpoint: Path | None = None,
    analysis: Path | None = None,
    start: str | None = None,
    end: str | None = None,
    starts: int,
    members: int,
    lead: str | None = None,
    device: str = "auto",
) -> CalibrationRequest:
    """Describe a calibration; by default over the validation period.

    Raises:
        ConfigurationError: A word is wrong, or the checkpoint is the shipped one, which all users share.
        MissingDataError: There is no archive yet.
    """
    system = find_system(system_name)
    found = find_checkpoint(home, system, checkpoint)
    if found.resolve() == shipped_checkpoint(system.name).resolve():
        raise ConfigurationError(
            f"checkpoint of '{system.name}': expected one in {home.checkpoint(system.name)} to put a card beside, "
            f"found only the shipped one; copy it there from {found}, train one, or name one with --checkpoint"
        )
    return CalibrationRequest(
        system=system,
        analysis=find_analysis(home, system, analysis),
        checkpoint=found,
        period=_validation_days(system, start, end),
        starts=starts,
        members=members,
        lead_steps=_lead_steps(system, lead),
        device=choose_device(device),
    )


def request_search(
    home: Home,
    system_name: str,
    *,
    out: Path | None,
    trials: int,
    iterations: int,
    sampler_only: bool,
    only: tuple[str, ...],
    checkpoint: Path | None,
    analysis: Path | None,
    starts: int,
    members: int,
    lead: str,
    device: str,
) -> Search:
    """Describe a search; its study is kept in the home unless `out` is given.

    Raises:
        ConfigurationError: A word is wrong.
        MissingDataError: There is no archive yet.
    """
    system = find_system(system_name)
    if checkpoint is not None and not sampler_only:
        raise ConfigurationError("--checkpoint: expected --sampler-only beside it, found a search that trains")
    kind = "sampler" if sampler_only else "training"
    return Search(
        system=system,
        analysis=find_analysis(home, system, analysis),
        out=home.root / "searches" / f"{system.name}-{kind}" if out is None else out,
        space=chosen_space(system, only, sampler_only=sampler_only),
        trials=trials,
        iterations=iterations,
        checkpoint=find_checkpoint(home, system, checkpoint) if sampler_only else None,
        starts=starts,
        members=members,
        lead_steps=_lead_steps(system, lead),
        device=choose_device(device),
    )


def _validation_days(system: System, start: str | None, end: str | None) -> Period:
    """Whole days from start to end, by default those of the validation period."""
    validation = system.periods.validation
    first = validation.start if start is None else parse_time(start, "--start").astype("datetime64[D]").item()
    last = validation.end if end is None else parse_time(end, "--end").astype("datetime64[D]").item()
    if last < first:
        raise ConfigurationError(f"--end: expected a day not before --start {first}, found {last}")
    return Period(start=first, end=last)


def _in_steps(system: System, step: str | None) -> System:
    return system if step is None else system.in_steps_of(parse_hours(step, "--step"))


def _lead_steps(system: System, lead: str | None) -> int:
    if lead is None:
        return lead_steps(system.forecast.lead_days * 24, system.state.step_hours, "forecast.lead_days")
    return lead_steps(parse_hours(lead, "--lead"), system.state.step_hours)
