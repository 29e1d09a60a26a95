import numpy as np
import pytest
import torch

from data_catalog.statistics.legendre import legendre_functions
from forecast.sphere.grid import Grid
from forecast.sphere.harmonics import HarmonicTransform, harmonic_transform

CPU = torch.device("cpu")
GRID = Grid(np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625)


def of_degree_two() -> torch.Tensor:
    """Real harmonics of order 1 (a sine) and 0, of mean square 9 and 1."""
    around = np.deg2rad(GRID.longitude)
    wave = 3 * np.sqrt(2) * legendre_functions(GRID.latitude, 1, 2)[1][:, None] * np.sin(around)
    zonal = legendre_functions(GRID.latitude, 0, 2)[2][:, None] * np.ones(64)
    return torch.tensor(np.stack([wave, zonal]), dtype=torch.float32)


def test_coefficients_are_those_of_the_harmonics_and_their_squares_the_mean_square():
    transform = HarmonicTransform(GRID, truncation=4)
    found = transform.coefficients(of_degree_two())
    assert found.shape == (2, 25)
    torch.testing.assert_close(found.square().sum(dim=-1), torch.tensor([9.0, 1.0]), atol=0.05, rtol=0)
    assert (found.abs() > 0.1).sum(dim=-1).tolist() == [1, 1]


def test_fields_are_recovered_from_their_amplitudes():
    transform = HarmonicTransform(GRID, truncation=4)
    again = transform.synthesise(transform.analyse(of_degree_two()))
    torch.testing.assert_close(again, of_degree_two(), atol=0.02, rtol=0)


def test_a_transform_is_made_once_and_resolves_two_thirds_of_the_latitudes():
    assert harmonic_transform(GRID, CPU) is harmonic_transform(Grid(GRID.latitude.copy(), GRID.longitude.copy()), CPU)
    assert harmonic_transform(GRID, CPU).truncation == 21
    with pytest.raises(ValueError, match="found a region"):
        harmonic_transform(Grid(np.linspace(30, 70, 8), GRID.longitude), CPU)


def test_a_kept_transform_is_never_moved():
    """Costs are counted on the meta device, where nothing has values."""
    on_meta = harmonic_transform(GRID, torch.device("meta"))
    with torch.device("meta"):
        here = harmonic_transform(Grid(GRID.latitude.copy(), GRID.longitude + 1.0), CPU)
    assert on_meta.get_buffer("functions").is_meta
    assert not here.get_buffer("functions").is_meta
    assert not harmonic_transform(GRID, CPU).get_buffer("functions").is_meta
