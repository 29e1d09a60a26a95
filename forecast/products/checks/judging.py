"""Judges a staged run by what was measured of its forecast file; a check that measured nothing has failed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from forecast.products.checks.limits import FEWEST_RUNS, control_limits
from forecast.products.checks.measuring import Measured
from forecast.products.files.checked import Check, CheckedSpread
from forecast.products.files.manifest import Contents

_SHOWN = 3


def judge(
    measured: Measured, expected: Contents, channels: Sequence[str], history: Sequence[CheckedSpread]
) -> dict[str, Check]:
    """Judge a forecast file.

    Args:
        measured: What was measured of it.
        expected: Requested members and lead times.
        channels: Requested channels.
        history: Spread of earlier runs of the same model and system, by channel and lead.

    Returns:
        The outcome of each check by name.
    """
    return {
        "complete": _complete(measured, expected, channels),
        "as written": _as_written(measured),
        "finite": _check(measured.values, "values", measured.not_finite),
        "plausible": _check(measured.values, "values", measured.outside),
        "members distinct": _distinct(measured),
        "spread": _spread(measured, history),
    }


def _check(measured: int, unit: str, faults: Sequence[str]) -> Check:
    if not measured:
        return Check(outcome="failed", measured=0, unit=unit, reason="nothing was measured")
    more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    reason = "; ".join(faults[:_SHOWN]) + more
    return Check(outcome="failed" if faults else "passed", measured=measured, unit=unit, reason=reason)


def _complete(measured: Measured, expected: Contents, channels: Sequence[str]) -> Check:
    """Whether each member is there at each lead in each channel."""
    delivered = {
        (name, measured.members[position], measured.lead_hours[lead]) for name, position, lead in measured.checksums
    }
    wanted = list(product(channels, expected.members, expected.lead_hours))
    lacking = [f"{name} of member {member} at {hours} h" for name, member, hours in wanted
               if (name, member, hours) not in delivered]  # fmt: skip
    return _check(measured.fields, "fields", [f"lacks {each}" for each in lacking])


def _as_written(measured: Measured) -> Check:
    """Whether the values are those that the writer was given."""
    if not measured.written:
        return Check(outcome="failed", measured=0, unit="fields", reason="the file does not say what was written")
    same = measured.written == measured.digest
    return _check(measured.fields, "fields", [] if same else ["the values read are not those written"])


def _distinct(measured: Measured) -> Check:
    members, leads = measured.members, measured.lead_hours
    if len(members) == 1:
        return Check(outcome="not judged", measured=0, unit="pairs", reason="there is one member")
    pairs = len(members) * (len(members) - 1) // 2 * len(leads) if measured.fields else 0
    return _check(pairs, "pairs", list(_twins(measured)))


def _twins(measured: Measured) -> Iterator[str]:
    """Name members whose fields are the same in all channels at a lead."""
    for lead, hours in enumerate(measured.lead_hours):
        alike: defaultdict[tuple[int | None, ...], list[int]] = defaultdict(list)
        for position, member in enumerate(measured.members):
            alike[tuple(measured.checksums.get((name, position, lead)) for name in measured.channels)].append(member)
        yield from (
            f"members {', '.join(map(str, same))} are the same at {hours} h" for same in alike.values() if len(same) > 1
        )


def _spread(measured: Measured, history: Sequence[CheckedSpread]) -> Check:
    """Whether the spread of each channel at each lead lies within the limits of the system's own earlier runs."""
    if len(measured.members) == 1:
        return Check(outcome="not judged", measured=0, unit="spreads", reason="there is one member")
    judged, faults = 0, list[str]()
    for name, spreads in measured.spread.items():
        for index, (hours, spread) in enumerate(zip(measured.lead_hours, spreads, strict=True)):
            limits = control_limits([run[name][index] for run in history if len(run.get(name, ())) > index])
            if limits is None:
                continue
            judged += 1
            if not limits.low <= spread <= limits.high:
                faults.append(f"{name} at {hours} h: {spread:.3g}, usually {limits.usual:.3g}, "
                              f"limits {limits.low:.3g} to {limits.high:.3g}")  # fmt: skip
    if not judged and measured.spread:
        found = f"there are {len(history)} earlier runs of this model, expected {FEWEST_RUNS}"
        return Check(outcome="not judged", measured=0, unit="spreads", reason=found)
    return _check(judged, "spreads", faults)


def faults_of(checks: Mapping[str, Check]) -> list[str]:
    """Return a line for each check that failed.

    Args:
        checks: Outcomes by name.
    """
    return [f"{name}: {check.reason}" for name, check in checks.items() if check.outcome == "failed"]
