"""Cycles that an unfinished evaluation has scored, so that a killed one goes on where it stopped.

One line a cycle: JSON of its sums, in which every float comes back as it was.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecast.verification.evaluation import EvaluationSums

Sums = dict[str, EvaluationSums]


class Journal:
    """Append-only file of scored cycles.

    Args:
        path: The file; made with its first line.
        identity: What is being evaluated; a journal of anything else is thrown away.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = path
        self._identity = json.dumps(identity, sort_keys=True)

    def read(self) -> dict[str, Sums]:
        """Sums by init time, as far as they were written whole."""
        if not self._path.exists():
            return {}
        lines = self._path.read_text(encoding="utf-8").split("\n")
        if lines[0] != self._identity:
            self._path.unlink()
            return {}
        # What follows the last line feed was being written when the process was killed.
        self._path.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")
        cycles = (json.loads(line) for line in lines[1:-1])
        return {cycle["init_time"]: _sums(cycle["sums"]) for cycle in cycles}

    def append(self, init_time: str, sums: Sums) -> None:
        """Add one cycle and wait until it is on the disk."""
        line = json.dumps({"init_time": init_time, "sums": {name: _plain(part) for name, part in sums.items()}})
        is_new = not self._path.exists()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{self._identity}\n{line}\n" if is_new else f"{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Forget it: the evaluation is finished."""
        self._path.unlink(missing_ok=True)


def _plain(part: EvaluationSums) -> dict[str, Any]:
    return {
        "sums": {
            name: {str(lead): values.tolist() for lead, values in leads.items()} for name, leads in part.sums.items()
        },
        "weights": {name: {str(lead): value for lead, value in leads.items()} for name, leads in part.weights.items()},
        "ranks": {
            name: {str(lead): values.tolist() for lead, values in leads.items()} for name, leads in part.ranks.items()
        },
        "cycles": part.cycles,
    }


def _sums(stored: Mapping[str, Mapping[str, Any]]) -> Sums:
    return {name: _part(part) for name, part in stored.items()}


def _part(plain: Mapping[str, Any]) -> EvaluationSums:
    def arrays(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[float, Any]]:
        return {
            name: {float(lead): np.asarray(values) for lead, values in leads.items()} for name, leads in table.items()
        }

    weights = {name: {float(lead): value for lead, value in leads.items()} for name, leads in plain["weights"].items()}
    return EvaluationSums(arrays(plain["sums"]), weights, arrays(plain["ranks"]), plain["cycles"])
