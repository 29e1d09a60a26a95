"""What members are like, beside what the analyses are like: pairs of measures of one start, alike if members are real.

Departures are from climatology, in standard deviations of the channel, along `channel`; fields are in SI units.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.verification.realism.bands import band_power, in_bands
from forecast.verification.realism.channels import Layer, geostrophic_levels, wind_levels
from forecast.verification.scores.balance import ageostrophic_share, layer_temperature
from forecast.verification.scores.ranks import rank_histogram
from forecast.verification.scores.wind_spectra import kinetic_energy_spectra
from forecast.verification.weighting import area_weights

SPACE = ("latitude", "longitude")


class Pair(NamedTuple):
    """A measure of members, averaged over them, and the same of analyses.

    Attributes:
        members: Of the members.
        analysis: Of the analyses, on the same dimensions.
    """

    members: xr.DataArray
    analysis: xr.DataArray


def spectra(members: xr.DataArray, analysis: xr.DataArray) -> Pair:
    """Power of single members and of analyses, by band.

    Args:
        members: Departures: member, channel, lead_time, latitude and longitude.
        analysis: Departures of the verifying analyses.
    """
    return Pair(band_power(members).mean("member"), band_power(analysis))


def differences(members: xr.DataArray, analysis: xr.DataArray) -> Pair:
    """Power of the difference of two members, over all pairs, and of a member and the analysis, by band.

    Args:
        members: Departures of at least 2 members.
        analysis: Departures of the verifying analyses.
    """
    count = members.sizes["member"]
    apart = band_power(members - members.mean("member")).mean("member") * (2 * count / (count - 1))
    return Pair(apart, band_power(members - analysis).mean("member"))


def departing(
    members: tuple[xr.DataArray, xr.DataArray], analyses: tuple[xr.DataArray, xr.DataArray]
) -> Pair:  # fmt: skip
    """Power of the difference of what follows two states that are alike: by the model, and in the weather, by band.

    Members and weather start from the same pair of states, so that the model must let them depart as the weather did.

    Args:
        members: Departures of the members from a state, and of as many from its analogue.
        analyses: Departures of the analyses that followed the state, and of those that followed its analogue.

    Source: Lorenz (1969), doi:10.1175/1520-0469(1969)26<636:APARBN>2.0.CO;2
    """
    return Pair(band_power(members[0] - members[1]).mean("member"), band_power(analyses[0] - analyses[1]))


def kinetic_energy(fields: xr.Dataset) -> xr.DataArray:
    """Kinetic energy of rotational and divergent wind by level and band, m2 s-2.

    Args:
        fields: Winds on a globe, m s-1, a variable a channel.
    """
    parts = {
        level: in_bands(kinetic_energy_spectra(fields[u], fields[v]))
        for level, (u, v) in wind_levels(map(str, fields.data_vars)).items()
    }
    joined: xr.DataArray = xr.concat(list(parts.values()), xr.DataArray(list(parts), dims="level", name="level"))
    return joined


def geostrophic(fields: xr.Dataset) -> xr.DataArray:
    """Share of kinetic energy that the ageostrophic wind would have, by level.

    Args:
        fields: Geopotentials and winds, SI units, a variable a channel.
    """
    parts = {
        level: ageostrophic_share(*(fields[name] for name in names))
        for level, names in geostrophic_levels(map(str, fields.data_vars)).items()
    }
    joined: xr.DataArray = xr.concat(list(parts.values()), xr.DataArray(list(parts), dims="level", name="level"))
    return joined


def hydrostatic(fields: xr.Dataset, climatology: xr.Dataset, layers: list[Layer]) -> xr.DataArray:
    """Mean square of how a temperature departs from that of its layer by thickness, less its climatology, K2.

    Args:
        fields: Channels in SI units.
        climatology: The same channels on the dimensions of `fields` less the members.
        layers: Layers to measure.
    """
    parts = []
    for layer in layers:
        residual = _misfit(fields, layer) - _misfit(climatology, layer)
        parts.append((residual**2).weighted(area_weights(fields["latitude"])).mean(SPACE))
    names = xr.DataArray([layer.name for layer in layers], dims="layer", name="layer")
    joined: xr.DataArray = xr.concat(parts, names)
    return joined


def rank_moments(members: xr.DataArray, analysis: xr.DataArray, weights: xr.DataArray) -> xr.Dataset:
    """Mean and dispersion of the rank of analyses among members, by channel, region and lead time.

    Args:
        members: At least 2 members.
        analysis: The verifying analyses.
        weights: Weights over `region`, latitude and longitude.

    Returns:
        `rank`: mean share of members below the analysis, ideally 0.5. `dispersion`: mean square distance of that share
        from 0.5, relative to that of a flat histogram, ideally 1; more for an ensemble with too little spread.
    """
    histogram = rank_histogram(members, analysis, reduce=SPACE, weights=weights)
    count = histogram.sizes["rank"] - 1
    share = histogram["rank"] / count
    square = (histogram * (share - 0.5) ** 2).sum("rank", skipna=False)
    return xr.Dataset(
        {
            "rank": (histogram * share).sum("rank", skipna=False),
            "dispersion": square * (12 * count / (count + 2)),
        }
    )


def moments_of_shares(shares: xr.DataArray, weights: xr.DataArray) -> xr.Dataset:
    """The moments of `rank_moments` of shares that are known by point.

    Args:
        shares: 0 to 1, uniform if all is well, on latitude, longitude and others.
        weights: Weights over `region`, latitude and longitude.
    """
    square = ((shares - 0.5) ** 2).weighted(weights).mean(SPACE)
    return xr.Dataset({"rank": shares.weighted(weights).mean(SPACE), "dispersion": 12 * square})


def _misfit(fields: xr.Dataset, layer: Layer) -> xr.DataArray:
    """Temperature by thickness less the temperature, K."""
    upper_pa = 100.0 * float(layer.upper[1:])
    if layer.lower == "msl":
        warmth = layer_temperature(fields[layer.upper], fields["msl"], upper_pa)
    else:
        thickness = fields[layer.upper] - fields[layer.lower]
        warmth = layer_temperature(thickness, 100.0 * float(layer.lower[1:]), upper_pa)
    return warmth.astype(np.float64) - fields[layer.temperature]
