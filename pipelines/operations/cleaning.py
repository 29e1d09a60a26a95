"""Cleans up the runs of a system by its rules of retention; what was begun and killed is done again from the start."""

import logging
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from data_catalog.clock import utc_now
from data_catalog.errors import ConfigurationError, PlumecastError
from data_catalog.storage.locks import is_held
from forecast.products.files.manifest import find_runs
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME, parse_cycle_name
from forecast.system.retention import Retention
from forecast.system.system import System
from pipelines.operations.stage_metrics import logged_runs
from pipelines.runs import staging
from pipelines.runs.retirement import Retirement, What, retire
from pipelines.runs.run_system import run_system
from pipelines.runs.stage_log import log_path
from pipelines.terminal.times import now
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
DAY_SECONDS = 86400.0


def clean(home: Home, system: System, *, dry_run: bool = False) -> Iterator[str]:
    """Retire what the rules of a system no longer keep, and go on after a run where that fails.

    Members of a run that is not verified are kept as long as its products: its analyses may still come.

    Args:
        home: The home directory.
        system: The system.
        dry_run: Whether to change nothing.

    Yields:
        A line about each thing that is, or would be, retired or removed, or that is kept though it is old.
    """
    rules = system.retention
    if rules is None:
        return
    word = "would be retired" if dry_run else "retired"
    day = str(now().astype("datetime64[D]"))
    for run in chain.from_iterable(find_runs(runs, system.name) for runs in home.all_runs):
        for old in _retirements(run, rules):
            if old.what == "members" and not run.scores.exists() and not _is_hopeless(run, rules):
                yield f"{run.path}: members of {old.age_days:.0f} days are kept, because they are not verified yet"
                break
            line = f"{run.path}: {old.what} of {old.age_days:.0f} days, {old.size / 2**20:.1f} MiB, {word}"
            try:
                if not dry_run:
                    retire(old, day)
            except PlumecastError as error:
                line = f"{run.path}: {old.what} are not retired: {error}"
            yield line
    yield from _leftovers(home, system.name, rules, dry_run)
    yield from _old_logs(home, system.name, rules, dry_run)


def cleanable_systems(home: Home) -> list[System]:
    """Return the systems with runs in a home whose newest run names rules of retention, by name.

    Args:
        home: The home directory.
    """
    names = sorted(path.name for path in home.runs.glob("[!.]*") if path.is_dir())
    kept = [[run for run in find_runs(home.runs, name) if run.forecast.exists()] for name in names]
    systems = [run_system(runs[-1]) for runs in kept if runs]
    return [system for system in systems if system.retention is not None]


def require_rules(system: System) -> None:
    """Refuse a system without rules of retention.

    Raises:
        ConfigurationError: It has none.
    """
    if system.retention is None:
        raise ConfigurationError(
            f"clean of '{system.name}': expected [retention] in its system file, found none; everything is kept"
        )


def _retirements(run: RunDirectory, rules: Retention) -> Iterator[Retirement]:
    """Return what is too old of a run, members first."""
    places: tuple[tuple[What, Path, int | None], ...] = (
        ("members", run.forecast, rules.members_days), ("products", run.products, rules.products_days),
    )  # fmt: skip
    for what, path, days in places:
        if days is not None and path.exists() and _age_days(path) > days:
            yield Retirement(run, what, _age_days(path))


def _is_hopeless(run: RunDirectory, rules: Retention) -> bool:
    """Whether even the products of a run are too old, so that no analysis is awaited any more that would verify it."""
    return rules.products_days is not None and _age_days(run.products) > rules.products_days


def _leftovers(home: Home, name: str, rules: Retention, dry_run: bool) -> Iterator[str]:
    """Remove old runs that failed their checks, and what killed forecasts left that nobody went on with."""
    working = home.runs / staging.WORKING / name
    if rules.members_days is None or not working.is_dir():
        return
    for path in sorted(working.iterdir()):
        cycle = path.name.partition(".")[0]
        if not path.is_dir() or not CYCLE_NAME.fullmatch(cycle) or _age_days(path) <= rules.members_days:
            continue
        if is_held(staging.lock_path(RunDirectory(home.runs, name, parse_cycle_name(cycle)))):
            continue
        yield f"{path}: left {_age_days(path):.0f} days ago, {'would be removed' if dry_run else 'removed'}"
        if not dry_run:
            shutil.rmtree(path, ignore_errors=True)


def _old_logs(home: Home, name: str, rules: Retention, dry_run: bool) -> Iterator[str]:
    """Remove the logs of cycles to which nothing has happened for as long as products are kept."""
    for run in chain.from_iterable(logged_runs(runs, name) for runs in home.all_runs):
        path = log_path(run)
        if rules.products_days is not None and _age_days(path) > rules.products_days:
            yield f"{path}: of {_age_days(path):.0f} days, {'would be removed' if dry_run else 'removed'}"
            if not dry_run:
                path.unlink(missing_ok=True)


def _age_days(path: Path) -> float:
    return (utc_now().timestamp() - path.stat().st_mtime) / DAY_SECONDS
