"""Calibration at stations: the choice of its settings on earlier data, and its scores in the test period.

    python benchmarks/stations.py choose SOURCES
    python benchmarks/stations.py test SOURCES FIGURE

SOURCES holds the tables of `DATA`. `choose` reads nothing that is valid after the test period began.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.special import ndtri

from data_catalog.stations.forecast_tables import read_forecast_table
from forecast.postprocessing.rolling import Calibrated, Settings, calibrate, choose_distribution
from forecast.products.plots.diagrams import finish
from forecast.products.plots.figures import Heading, new_figure, save, typography
from forecast.products.plots.palettes import ACCENT, INK, MUTED
from forecast.verification import spread_skill_ratio
from forecast.verification.station_scores import pit_histogram, station_scores

UNDERDISPERSIVE = 0.6
COLOURS = {"raw": "#d08a2e", "calibrated": ACCENT}


@dataclass(frozen=True)
class Data:
    """A table, and where its periods begin."""

    title: str
    file: str
    choice: np.datetime64
    test: np.datetime64


def _day(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


DATA = {
    "keps": Data("KEPS, 2 m temperature, 4 places", "keps_t2m_*.csv.gz", _day("2020-02-10"), _day("2020-06-01")),
    "magdeburg": Data("ECMWF, 2 m temperature, Magdeburg", "ecmwf_t2m_*", _day("2008-01-01"), _day("2010-01-01")),
    "frankfurt": Data("ECMWF, precipitation, Frankfurt", "ecmwf_precip24_*", _day("2012-01-01"), _day("2014-01-01")),
}
BEGIN: dict[str, object] = {"lead_hours": 2.0, "correct_freedom": True}
"""Where candidate a differs from what was chosen."""
CANDIDATES: dict[str, dict[str, object]] = {
    "a: every 14 days, all the past, leads 2 h apart, half-life 3 days, latest error, matched": {},
    "b: every 28 days": {"every_days": 28.0},
    "c: once": {"every_days": None},
    "d: window of 60 days": {"window_days": 60.0},
    "e: window of 365 days": {"window_days": 365.0},
    "f: each lead alone": {"lead_hours": 0.0},
    "g: leads 4 h apart": {"lead_hours": 4.0},
    "h: half-life 1 day": {"half_life_days": 1.0},
    "i: half-life 10 days": {"half_life_days": 10.0},
    "j: no recent errors": {"half_life_days": None},
    "k: no latest error": {"latest": False},
    "l: neither": {"half_life_days": None, "latest": False},
    "m: yearly cycle": {"seasonal": True},
    "n: spread not matched": {"match_spread": False},
    "o: g and not matched": {"lead_hours": 4.0, "match_spread": False},
    "p: leads 6 h apart": {"lead_hours": 6.0},
    "q: p and not matched": {"lead_hours": 6.0, "match_spread": False},
    "t: g, freedom not corrected": {"lead_hours": 4.0, "correct_freedom": False},
    "u: p, freedom not corrected": {"lead_hours": 6.0, "correct_freedom": False},
}
RAIN = ("a", "b", "c", "d", "e")
"""Candidates that differ for precipitation."""


def main() -> None:
    task, source = sys.argv[1], Path(sys.argv[2])
    if task == "choose":
        for name in sys.argv[3:4] or DATA:
            _choose(name, source)
    else:
        _test(source, Path(sys.argv[3]))


def _read(data: Data, source: Path) -> xr.Dataset:
    return read_forecast_table(next(source.glob(data.file)))


def _before(table: xr.Dataset, start: np.datetime64) -> xr.Dataset:
    """Starts and observations before a time."""
    earlier = table.sel(init_time=table["init_time"] < start)
    valid = earlier["init_time"] + earlier["lead_time"]
    return earlier.assign(observation=earlier["observation"].where(valid < start))


def _choose(name: str, source: Path) -> None:
    data = DATA[name]
    table = _before(_read(data, source), data.test)
    later = table.sel(init_time=slice(data.choice, None))
    for words, options in CANDIDATES.items():
        if sys.argv[4:] and words[0] not in sys.argv[4]:
            continue
        if name == "frankfurt" and words[0] not in RAIN:
            continue
        begin = time.process_time()
        settings = Settings(choose_distribution(table), **(BEGIN | options))  # type: ignore[arg-type]
        done = calibrate(table, data.choice, settings)
        _print_row(f"{name} {words[:40]}", later, done, np.ones(later["observation"].shape, bool))
        print(f"  {time.process_time() - begin:.0f} s", flush=True)


def _print_row(words: str, later: xr.Dataset, done: Calibrated, chosen: np.ndarray) -> None:
    kept = later["observation"].copy(data=chosen & np.isfinite(done.crps))
    raw = station_scores(later["forecast"].where(kept), later["observation"]).pooled
    new = station_scores(done.forecast.where(kept), later["observation"]).pooled
    size = later.sizes["member"]
    wider = _width((np.arange(size) + 1) / (size + 1)) / _width((np.arange(size) + 0.5) / size)
    closed = float(done.crps[kept.values].mean())
    pit = pit_histogram(done.pit[kept.values])
    print(
        f"{words} | {raw.cases} | {raw.crps:.4f} | {closed:.4f} | {100 * (1 - closed / raw.crps):.1f} % "
        f"| members {new.crps:.4f} | spread/skill {raw.spread_skill:.3f} -> {new.spread_skill:.3f} "
        f"(levels i/(M+1): {new.spread_skill * wider:.3f}) "
        f"| outer {raw.pit[0]:.3f} {raw.pit[-1]:.3f} -> {pit[0]:.3f} {pit[-1]:.3f} "
        f"members {new.pit[0]:.3f} {new.pit[-1]:.3f}",
        flush=True,
    )


def _width(levels: np.ndarray) -> float:
    return float(np.std(ndtri(levels), ddof=1))


def _narrow(table: xr.Dataset) -> np.ndarray:
    """Places and leads whose raw spread is too small, (station, 1, lead_time)."""
    ratio = spread_skill_ratio(table["forecast"], table["observation"], reduce="init_time", skip_missing=True)
    return np.asarray(ratio.transpose("station", "lead_time").values[:, None] < UNDERDISPERSIVE)


def _test(source: Path, out: Path) -> None:
    pits: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, data in DATA.items():
        table = _read(data, source)
        later = table.sel(init_time=slice(data.test, None))
        begin = time.process_time()
        done = calibrate(table, data.test, Settings(choose_distribution(table)))
        seconds = time.process_time() - begin
        everywhere = np.ones(later["observation"].shape, bool)
        sets = {"all": everywhere}
        if name != "frankfurt":
            sets["narrow before"] = everywhere & _narrow(_before(table, data.test))
            sets["narrow in the test"] = everywhere & _narrow(later)
        for words, chosen in sets.items():
            if chosen.any():
                _print_row(f"{name} {words} ({int(chosen.any(1).sum())} of places x leads)", later, done, chosen)
            else:
                print(f"{name} {words}: none")
        print(f"  {seconds:.0f} s of processor time", flush=True)
        known = np.isfinite(done.crps)
        kept = later["observation"].copy(data=known)
        raw = station_scores(later["forecast"].where(kept), later["observation"])
        pits[data.title] = {"raw": raw.pooled.pit, "calibrated": tuple(pit_histogram(done.pit[known]))}
    _plot(pits, out)


def _plot(pits: dict[str, dict[str, tuple[float, ...]]], out: Path) -> None:
    width, height = 9.6, 3.7
    with typography():
        figure = new_figure(
            width, height, "Probability integral transform at stations",
            Heading("Share of observations by tenth of the forecast  ·  test periods  ·  flat is reliable", False),
        )  # fmt: skip
        highest = max(max(shares) for each in pits.values() for shares in each.values())
        for at, (title, each) in enumerate(pits.items()):
            axes = figure.add_axes(((0.65 + at * 3.0) / width, 0.55 / height, 2.65 / width, 2.05 / height))
            for side, (words, shares) in enumerate(each.items()):
                places = np.arange(10) / 10 + 0.05 + (side - 0.5) * 0.04
                axes.bar(places, shares, 0.04, color=COLOURS[words], label=words, zorder=2)
            axes.axhline(0.1, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
            axes.set(xlim=(0, 1), ylim=(0, 1.08 * highest), xlabel="probability integral transform")
            axes.set_title(title, loc="left", fontsize=9, color=INK)
            finish(axes)
            axes.grid(visible=False, axis="x")
            if at:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("share of observations", color=MUTED)
                axes.legend(loc="upper center", ncols=2)
        save(figure, out)


if __name__ == "__main__":
    main()
