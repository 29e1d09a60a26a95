"""Makes the members of a run in several processes, for a scheduled cycle, which is one process.

As a program, `python -m pipelines.runs.shared_members`, it is one of these processes: it reads the request on standard
input, and writes on standard output whether there is a staged run, or why not.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from data_catalog import errors
from data_catalog.errors import FullDiskError, PlumecastError
from data_catalog.sources.locations import parse_location
from forecast.parallel.ranks import process_group
from forecast.system.reading import parse_system
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import make_members, share_members
from pipelines.runs.inputs import open_inputs
from pipelines.terminal.exit_status import USERS_FAULT
from pipelines.terminal.output import log_to_stderr
from pipelines.terminal.processes import Answer, ask_processes
from pipelines.terminal.tied import die_with_launcher

_PLAIN = ("members", "lead_steps", "device", "bands", "allow_suspect", "publish_anyway")
_TOLD = ("init_time", "analysis", "checkpoint", "runs")


def make_members_together(cycle: Cycle) -> bool:
    """Write the NetCDF of all members into the staged run, as `make_members` does, in `cycle.processes` processes.

    Args:
        cycle: The request for the run, whose lock is held.

    Returns:
        Whether there is a staged run to finish and publish.

    Raises:
        PlumecastError: What one of the processes raised.
        OSError: What one of the processes raised; a ChildProcessError if one was killed.
    """
    answers = ask_processes("pipelines.runs.shared_members", _as_text(cycle), cycle.processes)
    if any(answer.status for answer in answers):
        raise _cause(answers)
    return bool(json.loads(answers[0].text)["staged"])


def _cause(answers: list[Answer]) -> Exception:
    """Return the error that one of the processes told; otherwise one that says how the first that failed ended."""
    told = [json.loads(answer.text) for answer in answers if answer.status == USERS_FAULT and answer.text]
    if told:
        return _told_again(**told[0])
    # A process that lost its connection to another aborts itself: the one that was killed comes first.
    rank, status = min(
        ((rank, answer.status) for rank, answer in enumerate(answers) if answer.status),
        key=lambda ended: (ended[1] in (-15, -6), ended[1] > 0, ended[0]),
    )
    how = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
    return ChildProcessError(f"members: expected {len(answers)} processes to finish, found {how} of process {rank}")


def _as_text(cycle: Cycle) -> str:
    plain: dict[str, Any] = {name: getattr(cycle, name) for name in _PLAIN}
    told = {name: str(getattr(cycle, name)) for name in _TOLD}
    return json.dumps({**plain, **told, "system": cycle.system.model_dump(mode="json")})


def _from_text(text: str) -> Cycle:
    content: dict[str, Any] = json.loads(text)
    return Cycle(
        system=parse_system(content["system"], origin="system of the cycle"),
        init_time=np.datetime64(content["init_time"], "ns"),
        analysis=parse_location(content["analysis"]),
        checkpoint=Path(content["checkpoint"]),
        runs=Path(content["runs"]),
        members=tuple(content["members"]),
        lead_steps=content["lead_steps"],
        device=content["device"],
        bands=content["bands"],
        allow_suspect=content["allow_suspect"],
        publish_anyway=content["publish_anyway"],
    )


def _told(error: PlumecastError | OSError) -> dict[str, object]:
    """Return an error as values of JSON, from which `_told_again` makes it again."""
    if isinstance(error, FullDiskError):
        return {"error": "FullDiskError", "arguments": [str(error), str(error.mount)]}
    if isinstance(error, OSError):
        return {"error": "OSError", "arguments": [error.errno, error.strerror or str(error), error.filename]}
    return {"error": type(error).__name__, "arguments": [str(error)]}


def _told_again(error: str, arguments: list[Any]) -> Exception:
    if error == "FullDiskError":
        return FullDiskError(arguments[0], Path(arguments[1]))
    kind: type[Exception] = OSError if error == "OSError" else getattr(errors, error, PlumecastError)
    return kind(*arguments)


def _shared(cycle: Cycle) -> bool:
    """Do this process's part; return whether there is a staged run."""
    inputs = open_inputs(cycle)
    with process_group(cycle.device, bands=cycle.bands) as ranks:
        if ranks.is_first:
            return make_members(cycle, inputs, ranks)
        share_members(cycle, inputs, ranks)
    return False


def main() -> int:
    """Be one of the processes; return the exit status."""
    die_with_launcher()
    log_to_stderr()
    try:
        answer: dict[str, object] = {"staged": _shared(_from_text(sys.stdin.read()))}
    except (PlumecastError, OSError) as error:
        answer = _told(error)
    print(json.dumps(answer, default=str))
    return USERS_FAULT if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
