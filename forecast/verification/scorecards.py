"""Scorecards: one forecast against another, per channel, lead time and region, with significance."""

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.verification.checks import UnscorableError
from forecast.verification.score_archive import scores_of
from forecast.verification.significance import block_bootstrap, false_discovery_rate, paired_t_test

BETTER, WORSE, LEVEL = "#2166ac", "#b2182b", 0.05
SCORES = ("crps", "rmse", "mae")


def scorecard(sums: xr.DataArray, forecaster: str, reference: str, *, score: str = "crps") -> xr.Dataset:
    """Compare two forecasters over the cycles that both have.

    Args:
        sums: From `open_score_archive`.
        forecaster: To be judged.
        reference: To be judged by.
        score: `crps`, `rmse` or `mae`.

    Returns:
        Over channel, lead_time and region: `score` and `reference_score` over all cycles (roots after averaging);
        `change`, in percent of the reference, negative where the forecaster is better; `p_value` of the mean difference
        of single cycles by AR(2)-inflated t-test, `p_bootstrap` by moving blocks, and `p_adjusted`, the first adjusted
        for the number of tests (`tests` in the attributes) to control the false discovery rate.

    Raises:
        UnscorableError: A name is unknown, or too few cycles are shared.
    """
    if score not in SCORES:
        raise UnscorableError(f"score: expected one of {list(SCORES)}, found '{score}'")
    known = sums["forecaster"].values.tolist()
    for name in (forecaster, reference):
        if name not in known:
            raise UnscorableError(f"scorecard: expected one of {known}, found '{name}'")
    pair = sums.sel(forecaster=[forecaster, reference])
    shared = pair.sel(statistic="weight").notnull().all(["forecaster", "channel", "lead_time", "region"])
    pair = pair.isel(init_time=np.flatnonzero(shared.values)).sortby("init_time")
    each = scores_of(pair)[score]
    difference = each.isel(forecaster=0, drop=True) - each.isel(forecaster=1, drop=True)
    tested, resampled = paired_t_test(difference), block_bootstrap(difference)
    ours, theirs = (
        scores_of(pair.isel(forecaster=i, drop=True).sum("init_time", skipna=False))[score] for i in range(2)
    )
    card = xr.Dataset(
        {
            "score": ours,
            "reference_score": theirs,
            "change": 100 * (ours / theirs - 1),
            "p_value": tested["p_value"],
            "p_bootstrap": resampled["p_value"],
            "p_adjusted": false_discovery_rate(tested["p_value"]),
        }
    )
    return card.assign_attrs(
        forecaster=forecaster,
        reference=reference,
        score_name=score,
        cycles=pair.sizes["init_time"],
        tests=int(tested["p_value"].notnull().sum()),
        adjustment="Benjamini-Hochberg false discovery rate over all tests of the card",
    )


def plot_scorecard(card: xr.Dataset, out: Path, *, level: float = LEVEL) -> Path:
    """Draw the usual table of triangles: up and blue is better, down and red is worse.

    Args:
        card: From `scorecard`.
        out: PNG to write.
        level: Filled triangles are significant at this level after adjustment; outlined ones are not.

    Returns:
        `out`.
    """
    regions, channels = card["region"].values.tolist(), card["channel"].values.tolist()
    hours = (card["lead_time"].values / np.timedelta64(1, "h")).astype(float)
    width = 1.6 + len(regions) * max(0.22 * len(hours), 1.2)
    figure = Figure(figsize=(width, 1.5 + 0.32 * len(channels)), layout="constrained")
    panels = figure.subplots(1, len(regions), sharey=True, squeeze=False)[0]
    largest = float(np.nanmax(np.abs(card["change"].values), initial=1e-9))
    for panel, region in zip(panels, regions, strict=True):
        _draw_region(panel, card.sel(region=region), largest, level)
        panel.set_title(str(region), fontsize=9)
        panel.set_xticks(range(len(hours)), [f"{hour / 24:g}" for hour in hours], fontsize=7)
        panel.set_yticks(range(len(channels)), channels, fontsize=8)
        panel.set_xlim(-0.7, len(hours) - 0.3)
        panel.set_ylim(len(channels) - 0.4, -0.6)
        panel.tick_params(length=0)
        panel.set_xlabel("lead (days)", fontsize=7)
    about = card.attrs
    figure.suptitle(f"{about['score_name']}: {about['forecaster']} against {about['reference']}", fontsize=10)
    figure.supxlabel(
        f"up, blue: better; filled: significant at {level:g} (AR(2) t-test, false discovery rate over {about['tests']} "
        f"tests); largest: {largest:.1f} %; {about['cycles']} cycles",
        fontsize=6,
    )
    figure.savefig(out, dpi=150, format="png")
    return out


def _draw_region(panel: Axes, card: xr.Dataset, largest: float, level: float) -> None:
    ordered = card.transpose("channel", "lead_time")
    for (row, column), change in np.ndenumerate(ordered["change"].values):
        if not np.isfinite(change):
            continue
        better = change < 0
        colour = BETTER if better else WORSE
        significant = float(ordered["p_adjusted"].values[row, column]) < level
        panel.scatter(
            column,
            row,
            s=12 + 70 * abs(change) / largest,
            marker="^" if better else "v",
            facecolors=colour if significant else "none",
            edgecolors=colour,
            linewidths=0.8,
        )
