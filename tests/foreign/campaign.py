"""Score thousands of random foreign layouts, and count what comes of them.

    python -m tests.foreign.campaign [--analyses] --seeds 5000 --processes 2 --out outcomes.jsonl

Each seed is a layout with what is right for it: the scores of the truth, or a refusal; with `--analyses`, an analysis
that is taken into an archive, which must hold the truth. A campaign that was stopped goes
on with the same command; a seed's files are kept for a look with `--start SEED --seeds 1 --keep DIR`.
"""

import argparse
import contextlib
import io
import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from pipelines.cli.app import main as plumecast
from tests.foreign import ingests
from tests.foreign.cases import Case, make_case
from tests.foreign.ingests import make_ingest
from tests.foreign.truth import Expected

TOLERANCE = 3e-4
WRONG = ("silent", "fault of ours", "traceback", "unclear line")
"""Outcomes that must never be."""
OUTCOMES = ("right score", "refused", "too narrow", *WRONG)
LINE = re.compile(r"plumecast: \S.*expected .+, found .+")
LOG = re.compile(r"\d\d:\d\d:\d\d ")
FOREIGN_WORDS = re.compile(r"<xarray|dtype\(|Traceback|ufunc|cannot reindex|conflicting|broadcast|KeyError|None of")
"""What a library says, and no user understands."""


@dataclass(frozen=True)
class Outcome:
    """What came of a seed.

    Attributes:
        kind: One of `OUTCOMES`; `too narrow` is the refusal of a layout that should be read.
        status: Exit status.
        line: The last line on stderr, or what is wrong with the scores.
        fault: What was wrong with the files, if anything.
    """

    seed: int
    kind: str
    status: int
    line: str
    fault: str | None


def run_seed(seed: int, directory: Path) -> Outcome:
    """Write the layout of a seed, verify it by the command line and judge what comes of it.

    Args:
        seed: The layout.
        directory: Empty.
    """
    case = make_case(seed, directory)
    report = directory / "scores.json"
    words = ["verify", *map(str, case.files), "--analysis", str(case.analysis), "--scores", str(directory / "scores")]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            status = plumecast([*words, "--out", str(report)])
    except BaseException as error:
        return Outcome(seed, "traceback", 1, f"{type(error).__name__}: {error}", case.layout.fault)
    found = json.loads(report.read_text()) if report.exists() else None
    kind, line = judge(case, status, said.getvalue().replace(str(directory), "DIR"), found)
    return Outcome(seed, kind, status, line, case.layout.fault)


def ingest_seed(seed: int, directory: Path) -> Outcome:
    """Write the analysis of a seed, take it into an archive by the command line and judge what comes of it.

    Args:
        seed: The layout.
        directory: Empty.
    """
    case = make_ingest(seed, directory)
    archive = directory / "archive.zarr"
    said, printed, status = io.StringIO(), io.StringIO(), 0
    commands = ["new-dataset", str(case.location), "--name", "theirs"], ["ingest", "theirs", "--archive", str(archive)]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            for words in commands:
                status = status or plumecast(words)
        wrong = None if status else ingests.differences(case, archive, printed.getvalue())
    except BaseException as error:
        return Outcome(seed, "traceback", 1, f"{type(error).__name__}: {error}", case.layout.fault)
    kind, line = judge_lines(case.right, status, said.getvalue().replace(str(directory), "DIR"), wrong)
    return Outcome(seed, kind, status, line, case.layout.fault)


def judge(case: Case, status: int, said: str, found: dict | None) -> tuple[str, str]:
    """Say what kind of outcome a verification is.

    Args:
        case: What was verified, and what is right.
        status: Exit status.
        said: All that it printed on stderr.
        found: The evaluation JSON, if it wrote one.

    Returns:
        One of `OUTCOMES`, and a line that shows it.
    """
    known = status == 0 and case.expected is not None and found is not None
    return judge_lines(case.right, status, said, differences(found, case.expected) if known else None)


def judge_lines(right: str, status: int, said: str, wrong: str | None) -> tuple[str, str]:
    """Say what kind of outcome a command is.

    Args:
        right: `score`, `refusal`, or `either`.
        status: Exit status.
        said: All that it printed on stderr.
        wrong: What is wrong with its result, empty where nothing is; None where there must be none.

    Returns:
        One of `OUTCOMES`, and a line that shows it.
    """
    lines = [line for line in said.splitlines() if not LOG.match(line)]
    last = lines[-1] if lines else ""
    if "Traceback" in said:
        return "traceback", last
    if status == 0:
        if wrong is None:
            return "silent", "scored, and should have been refused"
        return ("silent", wrong) if wrong else ("unclear line", last) if lines else ("right score", "")
    if status not in (2, 3):
        return "fault of ours", last
    if len(lines) != 1 or not LINE.fullmatch(last) or FOREIGN_WORDS.search(last):
        return "unclear line", " | ".join(lines)
    return ("too narrow" if right == "score" else "refused"), last


def differences(found: dict, right: Expected) -> str:
    """The first difference between an evaluation and the right scores; empty where there is none."""
    scores = found["scores"]["forecast"]
    if (found["initialisations"], found["members"], set(scores)) != (right.starts, right.members, set(right.scores)):
        return f"{found['initialisations']} starts of {found['members']} members of {sorted(scores)}"
    for channel, by_score in right.scores.items():
        for score, by_lead in by_score.items():
            values = scores[channel][score]
            if values.keys() != by_lead.keys():
                return f"{channel} {score} at leads {list(values)}, not {list(by_lead)}"
            for lead, value in by_lead.items():
                scale = by_score["rmse"][lead] if score != "spread_skill" else 1.0
                if not _same(values[lead], value, scale):
                    return f"{channel} {score} at {lead} h is {values[lead]}, not {value}"
    return ""


def _same(found: float | None, right: float | None, scale: float | None) -> bool:
    if found is None or right is None:
        return found is right
    return math.isclose(found, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE * (scale or 1.0))


def run_seeds(seeds: Iterable[int]) -> Iterator[Outcome]:
    """Outcomes of seeds, each in a directory of its own that is removed."""
    for seed in seeds:
        yield _run_apart(seed)


def _run_apart(seed: int, keep: Path | None = None, analyses: bool = False) -> Outcome:
    directory = Path(tempfile.mkdtemp(prefix="foreign-")) if keep is None else keep / str(seed)
    directory.mkdir(parents=True, exist_ok=True)
    os.environ["PLUMECAST_HOME"] = str(directory / "home")
    try:
        return ingest_seed(seed, directory) if analyses else run_seed(seed, directory)
    finally:
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)


def table(outcomes: Iterable[Outcome]) -> str:
    """Counts of each outcome, of right layouts and of faulty ones."""
    whole = list(outcomes)
    sound = Counter(one.kind for one in whole if one.fault is None)
    faulty = Counter(one.kind for one in whole if one.fault is not None)
    rows = [f"{'':16}{'sound':>8}{'faulty':>8}"]
    rows += [f"{kind:16}{sound[kind]:8d}{faulty[kind]:8d}" for kind in OUTCOMES]
    return "\n".join([*rows, f"{'all':16}{sound.total():8d}{faulty.total():8d}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=5000, help="how many")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("outcomes.jsonl"), help="a line a seed; resumed")
    parser.add_argument("--keep", type=Path, help="keep the files of each seed here")
    parser.add_argument("--analyses", action="store_true", help="take analyses into archives, in place of forecasts")
    given = parser.parse_args()
    done = [Outcome(**json.loads(line)) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    wanted = range(given.start, given.start + given.seeds)
    missing = sorted(set(wanted) - {one.seed for one in done})
    with given.out.open("a") as file, ProcessPoolExecutor(given.processes, max_tasks_per_child=400) as pool:
        for outcome in pool.map(partial(_run_apart, keep=given.keep, analyses=given.analyses), missing, chunksize=4):
            done.append(replace(outcome))
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
    outcomes = [one for one in done if one.seed in wanted]
    for one in outcomes:
        if one.kind in WRONG:
            print(f"seed {one.seed} ({one.fault or 'sound'}): {one.kind}: {one.line}")
    print(table(outcomes))
    return int(any(one.kind in WRONG for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
