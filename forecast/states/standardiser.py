"""Conversion between xarray analyses and the tensors that the model works on.

Tensors hold standardised anomalies: (transformed value - climatology) / standard deviation of the channel. The
transformation takes the square root of precipitation amounts, which makes their distribution less skewed, and leaves
all other channels as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from data_catalog.statistics.climatology import evaluate_climatology, fit_climatology, fit_normalisation
from forecast.sphere.grid import Grid

SPACE = ("latitude", "longitude")


def grid_of(analysis: xr.Dataset) -> Grid:
    """Return the grid of an analysis.

    Args:
        analysis: Analysis with `latitude` and `longitude`, degrees, ascending.
    """
    return Grid(analysis["latitude"].values.astype(np.float64), analysis["longitude"].values.astype(np.float64))


def polar_signs(channels: Sequence[str]) -> Float[Tensor, " channel"]:
    """Return -1 for channels that change sign across a pole, which are components of vectors, else +1.

    Args:
        channels: Channel names, such as `u850`.
    """
    return torch.tensor([float(channel(name).variable.polar_sign) for name in channels])


def _transformed(analysis: xr.Dataset) -> xr.Dataset:
    """Take the square root of precipitation amounts.

    Packing and rounding leave slightly negative amounts, which the variable table allows. They are set to zero.
    """
    amounts = [name for name in analysis.data_vars if is_amount(str(name))]
    return analysis.assign({name: np.sqrt(analysis[name].clip(min=0)) for name in amounts})


def is_amount(name: str) -> bool:
    """Return whether a channel is an amount that is accumulated over time and never negative, as precipitation is.

    The model works on its square root.

    Args:
        name: Channel name, such as `tp24`.
    """
    variable = channel(name).variable
    return variable.accumulation_hours is not None and variable.minimum == 0


@dataclass(frozen=True)
class Standardiser:
    """Converts physical fields to standardised anomalies, and back.

    Attributes:
        channels: Channel names, in the order of the tensors' channel dimension.
        climatology: Coefficients of the annual cycle of transformed fields, from `fit_climatology`.
        std: Standard deviation of each channel's transformed anomalies, (channel,).
    """

    channels: tuple[str, ...]
    climatology: xr.Dataset
    std: NDArray[np.float32]

    @classmethod
    def fit(cls, analysis: xr.Dataset, channels: Sequence[str]) -> "Standardiser":
        """Fit climatology and standard deviations.

        Args:
            analysis: The analyses of the training period.
            channels: Channels to standardise, in the order of the tensors.

        Raises:
            InvalidDataError: A channel does not vary.
        """
        transformed = _transformed(analysis[list(channels)])
        climatology = fit_climatology(transformed)
        spread = fit_normalisation(transformed, climatology)
        std = np.array([float(spread[name]) for name in channels], dtype=np.float32)
        for name, value in zip(channels, std, strict=True):
            if not value > 0:
                raise InvalidDataError(
                    f"{name}: expected variation in the training period, found standard deviation {value}"
                )
        return cls(tuple(channels), climatology, std)

    def climatology_at(self, times: NDArray[np.datetime64]) -> NDArray[np.float32]:
        """Return the climatology of transformed fields.

        Args:
            times: Valid times, (time,).

        Returns:
            (time, channel, latitude, longitude), units of the transformed channels.
        """
        values = evaluate_climatology(self.climatology, times)
        return np.stack([values[name].values for name in self.channels], axis=1).astype(np.float32)

    def to_tensor(self, analysis: xr.Dataset) -> Float[Tensor, "time channel latitude longitude"]:
        """Standardise every time of an analysis.

        Args:
            analysis: Physical fields of all channels.

        Raises:
            InvalidDataError: A value is missing; names the channel and the time.
        """
        times = analysis["time"].values
        transformed = _transformed(analysis[list(self.channels)])
        result = self.climatology_at(times)
        for index, name in enumerate(self.channels):
            values = transformed[name].transpose("time", *SPACE).values
            faulty = ~np.isfinite(values).all(axis=(1, 2))
            if faulty.any():
                raise InvalidDataError(f"{name}: expected finite values, found NaN at {iso(times[faulty][0])}")
            result[:, index] = (values - result[:, index]) / self.std[index]
        return torch.from_numpy(result)

    def to_fields(
        self, state: Float[Tensor, "member channel latitude longitude"], valid_time: np.datetime64
    ) -> dict[str, NDArray[np.float32]]:
        """Convert standardised states to physical fields.

        Args:
            state: Standardised anomalies.
            valid_time: Valid time of all of them.

        Returns:
            For each channel (member, latitude, longitude), SI units.
        """
        mean = self.climatology_at(np.array([valid_time]))[0]
        values = state.detach().cpu().numpy() * self.std[:, None, None] + mean
        return {
            name: np.square(values[:, index]) if is_amount(name) else values[:, index]
            for index, name in enumerate(self.channels)
        }

    @property
    def minima(self) -> dict[str, float]:
        """Physical minimum of each channel that has one, after the transformation."""
        found = {name: channel(name).variable.minimum for name in self.channels}
        return {
            name: minimum**0.5 if is_amount(name) else minimum for name, minimum in found.items() if minimum is not None
        }

    def lower_bounds(self, valid_times: NDArray[np.datetime64]) -> Float[Tensor, "time channel latitude longitude"]:
        """Return the standardised value of each channel's physical minimum; minus infinity for channels without one.

        Args:
            valid_times: Valid times, (time,).
        """
        space = [self.climatology.sizes[name] for name in SPACE]
        bounds = np.full((len(valid_times), len(self.channels), *space), -np.inf, dtype=np.float32)
        if self.minima:
            means = evaluate_climatology(self.climatology[list(self.minima)], valid_times)
        for name, minimum in self.minima.items():
            index = self.channels.index(name)
            bounds[:, index] = (minimum - means[name].values) / self.std[index]
        return torch.from_numpy(bounds)


def static_tensor(analysis: xr.Dataset, names: Sequence[str]) -> Float[Tensor, "static latitude longitude"]:
    """Return static fields, each scaled to mean 0 and standard deviation 1 over the grid.

    Args:
        analysis: Analysis with the static fields, (latitude, longitude).
        names: Names of the static channels.
    """
    fields = np.zeros((len(names), *grid_of(analysis).shape), dtype=np.float32)
    for index, name in enumerate(names):
        values = analysis[name].transpose(*SPACE).values
        fields[index] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return torch.from_numpy(fields)
