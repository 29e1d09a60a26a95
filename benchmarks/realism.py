"""Do members look and behave like the weather? Spectra, ranks, growth of differences, and sixty days of stability.

    python benchmarks/realism.py speedy-5p6 --analysis ARCHIVE [--checkpoint DIR] --out realism.md

Writes a table and a figure of the same name. For global grids only.

- Spectrum: power of single members over that of the analysis, by total wavenumber, mean over starts.
- Ranks: share of analyses below or above all members, relative to a flat histogram (ideally 1).
- Differences: power of the difference of two members over that of the difference of a member and the analysis. In a
  reliable ensemble both are equal at every wavenumber and lead time.
- Stability: global variance of members' anomalies from climatology, over that of the analyses of the year.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from matplotlib.ticker import MaxNLocator

from data_catalog.archive.analysis import open_analysis
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.system.system import System
from forecast.verification import area_weights, rank_histogram, spectrum
from forecast.verification.cycle_scores import verifying_analysis
from pipelines.workspace.checkpoints import shipped_checkpoint
from pipelines.workspace.systems import find_system

SPACE = ("latitude", "longitude")
DIFFERENCES = (1, 3, 5, 10)


def stacked(dataset: xr.Dataset) -> xr.DataArray:
    return dataset.to_dataarray("channel").drop_vars("init_time", errors="ignore")


def measure(
    checkpoint: Checkpoint, system: System, analysis: xr.Dataset, starts: list[np.datetime64], members: int, steps: int
) -> xr.Dataset:
    """Return the measures as means over starts, by channel and lead time."""
    area, parts = area_weights(analysis["latitude"]), []
    for start in starts:
        made = stacked(ensemble_forecast(checkpoint, system, analysis, start, members=members, lead_steps=steps))
        truth = stacked(verifying_analysis(analysis, system.state.predictands, start, lead_times(system, steps)))
        truth = truth.transpose("channel", "lead_time", *SPACE)
        few = made.isel(member=slice(6))
        apart = made - made.mean("member")  # of all pairs, the mean square is that of these times 2 M / (M - 1)
        parts.append(
            xr.Dataset(
                {
                    "members": spectrum(few).mean("member"),
                    "analysis": spectrum(truth),
                    "between_members": spectrum(apart).mean("member") * 2 * members / (members - 1),
                    "to_analysis": spectrum(few - truth).mean("member"),
                    "ranks": rank_histogram(made, truth, reduce=SPACE, weights=area),
                }
            )
        )
    return xr.concat(parts, "start").mean("start")


def stability(
    checkpoint: Checkpoint, system: System, analysis: xr.Dataset, start: np.datetime64, days: int
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the variance of anomalies of 4 members, by (time, channel), and of a year's analyses, by channel."""
    area = area_weights(analysis["latitude"])
    channels = list(system.state.predictands)

    def variance(fields: xr.Dataset) -> xr.DataArray:
        departures = checkpoint.standardiser.to_tensor(fields).numpy()
        dims = ("time", "channel", *SPACE)
        coords = {"channel": channels, "latitude": analysis["latitude"].values}
        return (xr.DataArray(departures, dims=dims, coords=coords) ** 2).weighted(area).mean(SPACE)

    steps = days * 24 // system.state.step_hours
    made = ensemble_forecast(checkpoint, system, analysis, start, members=4, lead_steps=steps)
    times = start + made["lead_time"].values
    made = made.drop_vars("init_time", errors="ignore").rename(lead_time="time").assign_coords(time=times)
    late = sum(variance(made.isel(member=member)) for member in range(4)) / 4
    year = analysis[channels].sel(time=slice(start, start + np.timedelta64(365, "D"))).isel(time=slice(0, None, 8))
    return late, variance(year.load()).mean("time")


def draw(found: xr.Dataset, variance: xr.DataArray, usual: xr.DataArray, steps: int, path: Path) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(12, 8.5), layout="constrained")
    wave, colours = found["wavenumber"].values[1:], plt.get_cmap("tab10")
    lines = {"linewidth": 1.6}
    for place, name in enumerate(found["channel"].values):
        of = found.sel(channel=name).isel(lead_time=[0, steps - 1])
        ratio = (of["members"] / of["analysis"]).isel(wavenumber=slice(1, None))
        axes[0, 0].plot(wave, ratio[0], color=colours(place), label=str(name), **lines)
        axes[0, 0].plot(wave, ratio[1], color=colours(place), linestyle=":", **lines)
        ranks = found["ranks"].sel(channel=name)
        axes[0, 1].plot(ranks.isel(lead_time=4) * ranks.sizes["rank"], color=colours(place), **lines)
        share = variance.sel(channel=name).values / float(usual[place])
        axes[1, 1].plot(np.arange(1, share.size + 1), share, color=colours(place), **lines)
    for place, lead in enumerate(DIFFERENCES):
        pooled = found[["between_members", "to_analysis"]].isel(lead_time=lead - 1, wavenumber=slice(1, None))
        ratio = (pooled["between_members"] / pooled["to_analysis"]).mean("channel")
        axes[1, 0].plot(wave, ratio, color=plt.get_cmap("viridis")(place / 3.5), label=f"{lead} d", **lines)
    titles = (
        ("Power of members / analysis", "total wavenumber"),
        ("Rank histogram at 5 days, flat = 1", "members below the analysis"),
        ("Member to member / member to analysis, mean of channels", "total wavenumber"),
        ("Variance of departures / usual", "days"),
    )
    for axis, (title, label) in zip(axes.flat, titles, strict=True):
        axis.axhline(1.0, color="0.3", linewidth=0.8, zorder=0)
        axis.set_title(title, loc="left", fontsize=11)
        axis.set_xlabel(label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].fill_between(wave, 0.9, 1.1, color="0.92", zorder=0)
    axes[0, 0].set_ylim(0.5, 1.5)
    axes[0, 1].set_ylim(0, None)
    axes[1, 0].set_ylim(0.5, 1.3)
    axes[1, 1].set_ylim(0, None)
    axes[0, 0].legend(ncols=5, frameon=False, fontsize=8, title="solid 1 day, dotted the last", title_fontsize=8)
    axes[1, 0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system")
    parser.add_argument("--analysis", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--start", default="2008-01-05")
    parser.add_argument("--starts", type=int, default=87)
    parser.add_argument("--every", type=int, default=4, help="days between starts")
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--days", type=int, default=60, help="of the long forecast")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(options.checkpoint or shipped_checkpoint(options.system))
    system = find_system(options.system)
    analysis = open_analysis(options.analysis, system.state.predictands, system.state.static)
    first = np.datetime64(options.start, "ns")
    starts = [first + index * np.timedelta64(options.every, "D") for index in range(options.starts)]
    found = measure(checkpoint, system, analysis, starts, options.members, options.steps)
    variance, usual = stability(checkpoint, system, analysis, starts[0], options.days)
    waves = found.isel(wavenumber=slice(1, None))
    power, difference = waves["members"] / waves["analysis"], waves["between_members"] / waves["to_analysis"]
    outer = found["ranks"].isel(rank=[0, -1]) * found.sizes["rank"]
    last = options.steps - 1
    lines = [
        f"{options.starts} starts from {options.start} every {options.every} days, {options.members} members",
        "",
        "| | spectrum 1 d | last | worse than 10 %, 1 d | last | outer ranks 1 d | 5 d | last "
        f"| differences 1 d | 3 d | 5 d | variance at {options.days} d |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for place, name in enumerate(found["channel"].values):
        of = {"channel": name}
        spectra = [power.sel(of).isel(lead_time=lead) for lead in (0, last)]
        ranges = [f"{float(each.min()):.2f}-{float(each.max()):.2f}" for each in spectra]
        beyond = [f"{int((abs(each - 1) > 0.1).sum())} of {each.size}" for each in spectra]
        ranks = [" / ".join(f"{value:.1f}" for value in outer.sel(of).isel(lead_time=k).values) for k in (0, 4, last)]
        growth = [difference.sel(of).isel(lead_time=k) for k in (0, 2, 4)]
        grown = [f"{float(each.min()):.2f}-{float(each.max()):.2f}" for each in growth]
        late = float(variance.sel(of).isel(time=slice(-10, None)).mean() / usual[place])
        lines.append("| " + " | ".join([str(name), *ranges, *beyond, *ranks, *grown, f"{late:.2f}"]) + " |")
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    draw(found, variance, usual, options.steps, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
