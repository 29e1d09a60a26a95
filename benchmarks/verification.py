"""Every public score beside its fastest peer: time and values, on one core.

    python benchmarks/verification.py [--small] [--only NAME ...] [--rounds 5] [--out FILE.json]

All contenders of a score get the same float32 ensemble and analysis, and take turns. Printed for each score: process
CPU time of ours (median over rounds); and of the fastest library, and of the fastest lines by hand in NumPy and SciPy,
the CPU time over ours (median of the ratios within a round; above 1 ours is faster) and the largest relative difference
of values. Lines by hand know no coordinates, weights nor missing values: they are a bound, not a peer.
Members come first in memory, as in files; peers that are faster with members last get them so, already copied. Scores
without a peer and peers that are not installed are named below the table.

Needs the `benchmark` extra; pysteps, scikit-learn and ducc0 take part where they are installed.
"""

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")})

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import ensemble_peers
import event_peers
import field_peers
import numpy as np
from score_cases import CASES, NO_PEER, Case, Data, Timed, installed, score_name

from forecast import verification

PEERS = (ensemble_peers, event_peers, field_peers)  # importing them registers their cases
OPTIONAL = ("pysteps", "sklearn", "ducc0")
BY_HAND = ("numpy", "scipy", "crps alone: numpy")
"""Lines of NumPy and SciPy, which know no coordinates, weights, missing values nor ties; all others are libraries."""
SLOW_S = 3.0
"""A contender that takes longer is measured in two rounds only."""


def public_scores() -> list[str]:
    """Names that `forecast.verification` hands on from its rooms of scores, and the fused pass."""
    rooms = ("forecast.verification.scores", "forecast.verification.ensemble_pass")
    defined = {name: getattr(getattr(verification, name), "__module__", "") for name in verification.__all__}
    return [name for name, module in defined.items() if module.startswith(rooms)]


def unmeasured() -> list[str]:
    """Public scores that have neither a case nor a reason."""
    known = {score_name(name) for name in CASES} | NO_PEER.keys()
    return [name for name in public_scores() if name not in known]


def timed(call: Timed) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def measured(case: Case, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Times of all contenders by name, in rounds in which each takes its turn."""
    contenders = {"ours": case.ours, **case.peers}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            if len(times[name]) < 2 or times[name][0]["cpu_s"] < SLOW_S:
                times[name].append(timed(call))
    return times


def difference(case: Case, peer: str) -> float:
    """Largest difference from a peer's values, relative to them or, near 0, to their typical size; warms both up."""
    ours, theirs = (np.asarray(call(), dtype=float) for call in (case.ours, case.peers[peer]))
    if ours.size != theirs.size:
        return float("nan")
    one, two = ours.ravel(), theirs.ravel()
    both = np.isfinite(one) & np.isfinite(two)
    if not both.any():
        return float("nan")
    size = np.maximum(np.abs(two[both]), np.abs(two[both]).mean())
    return float(np.max(np.abs(one[both] - two[both]) / np.where(size > 0, size, 1)))


def ratio(times: dict[str, list[dict[str, float]]], peer: str, kind: str) -> float:
    pairs = zip(times[peer], times["ours"], strict=False)
    return statistics.median(theirs[kind] / ours[kind] for theirs, ours in pairs)


def row(name: str, data: Data, rounds: int) -> dict[str, object]:
    case = CASES[name](data)
    apart = {peer: difference(case, peer) for peer in case.peers}
    if not case.peers:
        case.ours()
    times = measured(case, rounds)
    typical = {who: statistics.median(each["cpu_s"] for each in many) for who, many in times.items()}
    found: dict[str, object] = {"score": name, "ours_cpu_s": typical.pop("ours")}
    libraries = [peer for peer in typical if not peer.startswith(BY_HAND)]
    for kind, peers in (("library", libraries), ("by_hand", [peer for peer in typical if peer not in libraries])):
        if not peers:
            continue
        fastest = min(peers, key=typical.__getitem__)
        found[kind] = {
            "peer": fastest,
            "cpu_s": typical[fastest],
            "cpu_ratio": ratio(times, fastest, "cpu_s"),
            "wall_ratio": ratio(times, fastest, "wall_s"),
            "difference": apart[fastest],
            "agrees": apart[fastest] <= case.tolerance,
        }
    return {**found, "others": {peer: {"cpu_s": typical[peer], "difference": apart[peer]} for peer in typical}}


def line(found: dict[str, Any]) -> str:
    def cells(kind: str) -> str:
        peer = found.get(kind)
        if peer is None:
            return "- | - | -"
        apart = f"{peer['difference']:.0e}" + ("" if peer["agrees"] else " (differs)")
        return f"{peer['peer']} | {peer['cpu_ratio']:.2f} | {apart}"

    return f"| {found['score']} | {1000 * found['ours_cpu_s']:.1f} | {cells('library')} | {cells('by_hand')} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a tenth of the points")
    parser.add_argument("--only", nargs="+", help="beginnings of the names of scores")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the table as JSON, with all peers")
    options = parser.parse_args()
    if missing := unmeasured():
        raise SystemExit(f"public scores: expected a case or a reason for each, found none for {missing}")
    warnings.simplefilter("ignore")
    data = Data(50, 2, 121, 240) if options.small else Data(50, 20, 121, 240)
    names = [name for name in CASES if not options.only or name.startswith(tuple(options.only))]
    print(f"{data.members} members x {data.leads} x {data.latitudes} x {data.longitudes}, float32\n")
    print("| score | ours, CPU ms | fastest library | its / ours | difference | by hand | its / ours | difference |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for name in sorted(names):
        rows.append(row(name, data, options.rounds))
        print(line(rows[-1]), flush=True)
    absent = [name for name in OPTIONAL if installed(name) is None]
    print()
    slower = [str(found["score"]) for found in rows if "library" in found and found["library"]["cpu_ratio"] < 1]
    print(f"Slower than the fastest library: {', '.join(slower) or 'none'}\n")
    print("Without a peer: " + "; ".join(f"{name} ({why})" for name, why in NO_PEER.items()))
    print(f"Peers that are not installed: {', '.join(absent) or 'none'}")
    if options.out:
        options.out.write_text(json.dumps({"rows": rows, "without_peer": NO_PEER, "not_installed": absent}, indent=1))


if __name__ == "__main__":
    main()
