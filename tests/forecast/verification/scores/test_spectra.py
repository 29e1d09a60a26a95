"""Spectra of spherical harmonics, and scores by wavenumber, against coefficients fitted another way."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from forecast.verification import UnscorableError, area_weights, error_growth, spectral_crps, spectrum

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def coefficients(
    field: NDArray[np.float64], latitude: NDArray[np.float64], truncation: int
) -> dict[int, list[complex]]:
    """Spherical-harmonic coefficients by degree, of orders 0 and more, by least squares weighted by area."""
    colatitude = np.deg2rad(90 - latitude)
    around = np.deg2rad(np.arange(field.shape[1]) * 360 / field.shape[1])
    root = np.sqrt(area_weights(xr.DataArray(latitude, dims="latitude", coords={"latitude": latitude})).values)
    result: dict[int, list[complex]] = {degree: [] for degree in range(truncation + 1)}
    for order in range(truncation + 1):
        wave = (field * np.exp(-1j * order * around)).mean(axis=1)
        degrees = np.arange(order, truncation + 1)
        basis = np.stack([special.sph_harm_y(n, order, colatitude, 0.0).real for n in degrees], axis=1)
        fitted, *_ = np.linalg.lstsq(basis * root[:, None] * np.sqrt(4 * np.pi), wave * root, rcond=None)
        for degree, value in zip(degrees, fitted, strict=True):
            result[int(degree)].append(complex(value))
    return result


def powers(field: NDArray[np.float64], latitude: NDArray[np.float64], truncation: int) -> list[float]:
    fitted = coefficients(field, latitude, truncation)
    return [sum((1 if m == 0 else 2) * abs(c) ** 2 for m, c in enumerate(fitted[n])) for n in range(truncation + 1)]


def test_spectra_of_spherical_harmonics(make_pair: MakePair, made_kind: str) -> None:
    forecast, analysis = make_pair(made_kind)
    latitude, size = analysis["latitude"].values, float(abs(analysis).max()) ** 2
    found = spectrum(analysis, truncation=3)
    expected = [powers(field, latitude, 3) for field in analysis.values]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12 * size)
    if forecast.sizes["member"] == 1:
        return
    members, mean = forecast.sizes["member"], forecast.mean("member")
    growth = error_growth(forecast, analysis, truncation=3)
    errors = [powers(field, latitude, 3) for field in (mean - analysis).values]
    np.testing.assert_allclose(growth["error"], errors, rtol=1e-6, atol=1e-12 * size)
    about = [
        [powers(field, latitude, 3) for field in member] for member in (forecast - mean).transpose("member", ...).values
    ]
    variance = np.sum(about, axis=0) / (members - 1) * (members + 1) / members
    np.testing.assert_allclose(growth["spread"], variance, rtol=1e-6, atol=1e-12 * size)


def test_crps_of_harmonics(make_pair: MakePair, made_kind: str) -> None:
    forecast, analysis = make_pair(made_kind)
    if forecast.sizes["member"] == 1:
        assert spectral_crps(forecast, analysis).isnull().all()
        return
    latitude = analysis["latitude"].values

    def real(field: NDArray[np.float64]) -> NDArray[np.float64]:
        """Real coefficients (degree, at most 5), padded with zeros; those of cosine and sine with mean square 1."""
        rows = []
        for values in coefficients(field, latitude, 2).values():
            waves = [part * np.sqrt(2) for value in values[1:] for part in (value.real, -value.imag)]
            rows.append(np.pad([values[0].real, *waves], (0, 4 - len(waves))))
        return np.array(rows)

    x = np.array([[real(field) for field in member] for member in forecast.transpose("member", ...).values])
    y = np.array([real(field) for field in analysis.values])
    between = np.abs(x[:, None] - x[None]).sum(axis=(0, 1)) / (2 * len(x) * (len(x) - 1))
    expected = (np.abs(x - y).mean(axis=0) - between).sum(axis=-1) / (2 * np.arange(3) + 1)
    found = spectral_crps(forecast, analysis, truncation=2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-11 * float(abs(analysis).max()))


def harmonic_field() -> xr.DataArray:
    latitude, longitude = np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625
    across, up = np.meshgrid(np.deg2rad(longitude), np.deg2rad(latitude))
    second = np.sqrt(15) / 2 * np.cos(up) ** 2 * np.cos(2 * across + 0.3)
    values = 0.7 + 3 * np.sqrt(3) * np.sin(up) + second
    return xr.DataArray(values, dims=GRID, coords={"latitude": latitude, "longitude": longitude})


def test_spectrum_finds_harmonics_and_keeps_the_power() -> None:
    field = harmonic_field()
    power = spectrum(field)
    np.testing.assert_allclose(power[:4], [0.49, 9.0, 1.0, 0.0], atol=1e-10)
    zonal = spectrum(field, kind="zonal")
    mean_square = float((field**2).weighted(area_weights(field["latitude"])).mean())
    assert float(zonal.sum()) == pytest.approx(mean_square, rel=1e-12)
    assert zonal.sizes["wavenumber"] == 33
    assert float(zonal[2]) == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_allclose(spectrum(field.isel(latitude=slice(None, None, -1))), power, atol=1e-9)
    with pytest.raises(UnscorableError, match="expected a circle"):
        spectrum(field.isel(longitude=slice(32)))
    with pytest.raises(UnscorableError, match="expected to reach both poles"):
        spectrum(field.isel(latitude=slice(20)))
    with pytest.raises(UnscorableError, match="truncation: expected at most 21"):
        spectrum(field, truncation=40)


def test_difference_energy_of_members_like_the_analysis_is_alike() -> None:
    rng = np.random.default_rng(0)
    field = harmonic_field()
    forecast = field + xr.DataArray(rng.normal(size=(6, 40, 32, 64)), dims=("member", "case", *GRID))
    analysis = field + xr.DataArray(rng.normal(size=(40, 32, 64)), dims=("case", *GRID))
    found = error_growth(forecast, analysis, reduce=["case"])
    np.testing.assert_allclose(found["spread"] / found["error"], 1, atol=0.25)
    assert float(found["spread"].sum() / found["error"].sum()) == pytest.approx(1, abs=0.03)
    assert float(found["members"][1]) == pytest.approx(9.0, rel=0.05)
    score = spectral_crps(forecast, analysis, reduce=["case"])
    assert (score > 0).all()
    perfect = spectral_crps(analysis.expand_dims(member=3), analysis, reduce=["case"])
    np.testing.assert_allclose(perfect, 0, atol=1e-12)
    assert spectral_crps(forecast.isel(member=[0]), analysis).isnull().all()
