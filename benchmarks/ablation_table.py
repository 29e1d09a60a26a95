"""The results of `ablations.py` as a table."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

LEAD_HOURS = (24, 72, 120)
REFERENCES = "references.json"

Changes = Mapping[str, Any]


def table(out: Path, names: Iterable[str]) -> str:
    """Markdown: mean and standard error over seeds; CRPS of the first channel, and the change against the base."""
    runs = [json.loads(path.read_text()) for path in sorted(out.glob("*-[0-9]*.json"))]
    found = {name: {each["seed"]: each for each in runs if each["variant"] == name} for name in names}
    leads = [f"{hours // 24} d" for hours in LEAD_HOURS]
    head = ["variant", "seeds", "iterations", "evaluations", "MFLOP each"]
    head += [f"CRPS {lead}" for lead in leads] + ["CRPS against base"] + [f"spread/skill {lead}" for lead in leads]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [row(name, seeds, found["base"]) for name, seeds in found.items() if seeds]
    lines += [reference_row(name, each) for name, each in json.loads((out / REFERENCES).read_text()).items()]
    return "\n".join(lines) + "\n"


def row(name: str, seeds: Mapping[int, Changes], base: Mapping[int, Changes]) -> str:
    """Return the row of a variant."""
    runs, first = list(seeds.values()), next(iter(seeds.values()))
    iterations = round(statistics.mean(each["iterations"] for each in runs))
    cells = [name, str(len(runs)), str(iterations), str(first["evaluations"])]
    cells.append(f"{first['flop_per_evaluation'] / 1e6:.0f}")
    cells += [with_error([crps(each, hours) for each in runs], 1) for hours in LEAD_HOURS]
    changes = [100 * (mean_ratio(each, base[seed]) - 1) for seed, each in seeds.items() if seed in base]
    cells.append(with_error(changes, 1, sign="+") + " %" if changes and name != "base" else "")
    for hours in LEAD_HOURS:
        ratios = [channel(each)["spread_skill"][str(hours)] for each in runs]
        cells.append(f"{statistics.mean(ratios):.2f}")
    return f"| {' | '.join(cells)} |"


def reference_row(name: str, found: Changes) -> str:
    """Return the row of a baseline."""
    scores = next(iter(found.values()))
    by_lead = {score: [scores[score][str(hours)] for hours in LEAD_HOURS] for score in ("crps", "spread_skill")}
    cells = [f"({name})", "", "", "", "", *(f"{value:.1f}" for value in by_lead["crps"]), ""]
    return f"| {' | '.join([*cells, *(f'{value:.2f}' for value in by_lead['spread_skill'])])} |"


def channel(result: Changes) -> Changes:
    """Scores of the first channel."""
    scores: Changes = next(iter(result["scores"].values()))
    return scores


def crps(result: Changes, hours: int) -> float:
    """Fair CRPS of the first channel, in its unit."""
    scores = channel(result)
    return float(scores["crps"][str(hours)] * scores["standard_deviation"])


def mean_ratio(result: Changes, base: Changes) -> float:
    """CRPS as a multiple of the base's with the same seed: mean over channels and leads."""
    ratios = [
        scores["crps"][str(hours)] / base["scores"][name]["crps"][str(hours)]
        for name, scores in result["scores"].items()
        for hours in LEAD_HOURS
    ]
    return statistics.mean(ratios)


def with_error(values: list[float], digits: int, *, sign: str = "") -> str:
    """Mean and its standard error."""
    mean = f"{statistics.mean(values):{sign}.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values) / math.sqrt(len(values)):.{digits}f}"
