"""How probabilities of an event relate to how often it happens; arguments as in `ensemble_scores` and `event_scores`.

Each collects `probability_sums` over `reduce` and hands them on; use the functions there for sums that exist already.
"""

from collections.abc import Hashable, Sequence

import xarray as xr

from forecast.verification.scores.probability_sums import (
    economic_value,
    murphy_parts,
    operating_characteristic,
    probability_sums,
    reliability_diagram,
)

Dims = Sequence[Hashable]
Threshold = float | xr.DataArray


def brier_decomposition(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims,
    member_dim: Hashable = "member",
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
) -> xr.Dataset:
    """Reliability, resolution and uncertainty, the parts of the plain Brier score.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        reduce: Dimensions to collect events over, at least one.
        member_dim: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `probability_sums`.
        strict: See `brier_score`.

    Returns:
        See `murphy_parts`.
    """
    sums = probability_sums(
        forecast,
        analysis,
        threshold=threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return murphy_parts(sums)


def reliability(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims,
    member_dim: Hashable = "member",
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    bins: int | None = None,
    level: float = 0.9,
) -> xr.Dataset:
    """Reliability diagram, with consistency bars and the isotonic (CORP) curve.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        reduce: Dimensions to collect events over, at least one.
        member_dim: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `probability_sums`.
        strict: See `brier_score`.
        bins: See `reliability_diagram`.
        level: See `reliability_diagram`.

    Returns:
        See `reliability_diagram`.
    """
    sums = probability_sums(
        forecast,
        analysis,
        threshold=threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return reliability_diagram(sums, bins=bins, level=level)


def roc(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims,
    member_dim: Hashable = "member",
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
) -> xr.Dataset:
    """Relative operating characteristic and the area under it.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        reduce: Dimensions to collect events over, at least one.
        member_dim: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `probability_sums`.
        strict: See `brier_score`.

    Returns:
        See `operating_characteristic`.
    """
    sums = probability_sums(
        forecast,
        analysis,
        threshold=threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return operating_characteristic(sums)


def relative_economic_value(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    threshold: Threshold,
    reduce: Dims,
    member_dim: Hashable = "member",
    weights: xr.DataArray | None = None,
    skip_missing: bool = False,
    strict: bool = True,
    cost_loss_ratios: Sequence[float] | None = None,
) -> xr.Dataset:
    """Value of acting on the forecast, for users of different cost-loss ratios.

    Args:
        forecast: See `ensemble_scores`.
        analysis: See `ensemble_scores`.
        threshold: See `brier_score`.
        reduce: Dimensions to collect events over, at least one.
        member_dim: See `ensemble_scores`.
        weights: See `ensemble_scores`.
        skip_missing: See `probability_sums`.
        strict: See `brier_score`.
        cost_loss_ratios: See `economic_value`.

    Returns:
        See `economic_value`.
    """
    sums = probability_sums(
        forecast,
        analysis,
        threshold=threshold,
        member_dim=member_dim,
        reduce=reduce,
        weights=weights,
        skip_missing=skip_missing,
        strict=strict,
    )
    return economic_value(sums, cost_loss_ratios=cost_loss_ratios)
