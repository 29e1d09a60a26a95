"""Scores of whole fields, of several components together and of spectra, beside their peers."""

import numpy as np
import scipy
import scores.categorical
import scores.spatial
import scoringrules
import xarray as xr
from score_cases import DIMS, GRID, NO_PEER, Case, Data, case, installed

from forecast import verification as ours

LIMIT = 0.5
NO_PEER.update(
    error_growth="spectra of error, spread, members and analysis are of no other library",
    spectral_crps="a CRPS of coefficients is of no other library",
)


@case("acc")
def acc_case(data: Data) -> Case:
    forecast, analysis = data.fields
    climatology = xr.zeros_like(analysis.isel(lead_time=0, drop=True)) + np.float32(0.1)

    def plain() -> np.ndarray:
        f, a = data.x.mean(0) - climatology.values, data.y - climatology.values
        products = [(one * two).sum((-2, -1), dtype=float) for one, two in ((f, a), (f, f), (a, a))]
        return products[0] / np.sqrt(products[1] * products[2])

    return Case(lambda: ours.acc(forecast, analysis, climatology=climatology), {"numpy": plain}, tolerance=1e-2)


@case("fss: without members", "fss: of an ensemble")
def fss_case(data: Data, name: str) -> Case:
    single = "without" in name
    forecast, analysis = data.one if single else data.fields
    options = {"event_threshold": LIMIT, "window_size": (9, 9), "spatial_dims": GRID, "zero_padding": False}

    def theirs() -> xr.DataArray:
        return scores.spatial.fss_2d(
            forecast, analysis, **options, threshold_operator=np.greater, preserve_dims=["lead_time"]
        )

    def filtered() -> np.ndarray:
        limit, inside = np.float32(LIMIT), (..., slice(4, -4), slice(4, -4))
        p = data.x[0] > limit if single else np.count_nonzero(data.x > limit, axis=0) / np.float32(data.members)
        p, o = (
            scipy.ndimage.uniform_filter(field.astype(np.float32), (0, 9, 9))[inside] for field in (p, data.y > limit)
        )
        return 1 - np.square(p - o).sum((-2, -1)) / (np.square(p) + np.square(o)).sum((-2, -1))

    peers, pysteps = {"scipy": filtered}, installed("pysteps.verification.spatialscores")
    if single:
        peers["scores"] = theirs
        if pysteps:
            peers["pysteps"] = lambda: np.array(
                [pysteps.fss(x, y, LIMIT, 9) for x, y in zip(data.x[0], data.y, strict=True)]
            )
    return Case(lambda: ours.fss(forecast, analysis, threshold=LIMIT, window=9), peers, tolerance=1e-2)


@case("seeps")
def seeps_case(data: Data) -> Case:
    forecast, analysis = (abs(field) for field in data.one)
    dry = xr.full_like(analysis.isel(lead_time=0, drop=True), 0.4)
    return Case(
        lambda: ours.seeps(forecast, analysis, dry_fraction=dry, heavy_threshold=dry + 2, dry_threshold=1.0),
        {
            "scores": lambda: scores.categorical.seeps(
                forecast, analysis, dry, dry + 2, dry_light_threshold=1.0, preserve_dims="all"
            )
        },
    )


@case("spectrum: zonal")
def zonal_case(data: Data) -> Case:
    field = data.fields[0].isel(member=slice(10))
    areas = ours.area_weights(field["latitude"]).values.astype(np.float32)
    scale = np.full(data.longitudes // 2 + 1, 2.0)
    scale[[0, -1]] = 1.0

    def transform(rfft):
        def power() -> np.ndarray:
            squares = np.square(np.abs(rfft(field.values, axis=-1)))
            return (areas / areas.sum()) @ squares * (scale / data.longitudes**2)

        return power

    peers = {"numpy rfft": transform(np.fft.rfft), "scipy rfft": transform(scipy.fft.rfft)}
    return Case(lambda: ours.spectrum(field, kind="zonal"), peers, tolerance=1e-3)


@case("spectrum: spherical")
def spherical_case(data: Data) -> Case:
    field = data.fields[0].isel(member=slice(4))
    largest, sphere = data.latitudes // 2, installed("ducc0.sht.experimental")

    def quadrature() -> np.ndarray:
        """Clenshaw-Curtis quadrature, which is another fit than least squares."""
        found = []
        for each in field.values.reshape(-1, 1, data.latitudes, data.longitudes).astype(float):
            alm = sphere.analysis_2d(map=each, spin=0, lmax=largest, geometry="CC", nthreads=1)[0]
            found.append(np.square(np.abs(alm)))
        return np.asarray(found)

    peers = {"ducc0 (another fit)": quadrature} if sphere else {}
    return Case(lambda: ours.spectrum(field, truncation=largest), peers)


@case("energy_score: whole fields")
def energy_case(data: Data) -> Case:
    forecast, analysis = data.fields
    x = np.ascontiguousarray(np.moveaxis(data.x, 0, 1)).reshape(data.leads, data.members, -1)
    y = data.y.reshape(data.leads, -1)

    def gram() -> np.ndarray:
        found = []
        for members, observed in zip(x, y, strict=True):
            products = members @ members.T
            squares = np.diag(products)
            apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0)).sum() / 2
            near = np.sqrt(np.square(members - observed).sum(-1)).mean()
            found.append(near - apart / (data.members * (data.members - 1)))
        return np.asarray(found)

    return Case(
        lambda: ours.energy_score(forecast, analysis, dims=GRID),
        {
            "scoringrules": lambda: scoringrules.es_ensemble(y, x, estimator="fair", backend="numba"),
            "numpy products": gram,
        },
        tolerance=1e-3,
    )


@case("energy_score: two components at each point")
def wind_case(data: Data) -> Case:
    half = data.latitudes // 2
    x, y = (np.stack([a[..., :half, :], a[..., -half:, :]], axis=-1)[..., :1, :, :, :] for a in (data.x, data.y))
    forecast = xr.DataArray(x, dims=("member", *DIMS, "component"))
    analysis = xr.DataArray(y, dims=(*DIMS, "component"))
    last = np.ascontiguousarray(np.moveaxis(x, 0, -2))
    return Case(
        lambda: ours.energy_score(forecast, analysis, dims=["component"]),
        {"scoringrules": lambda: scoringrules.es_ensemble(y, last, estimator="fair", backend="numba")},
    )


@case("variogram_score")
def variogram_case(data: Data) -> Case:
    forecast, analysis = (field.isel(latitude=slice(8), longitude=slice(8)) for field in data.fields)
    x = np.ascontiguousarray(np.moveaxis(forecast.values, 0, 1)).reshape(data.leads, data.members, -1)
    y = analysis.values.reshape(data.leads, -1)
    return Case(
        lambda: ours.variogram_score(forecast, analysis, dims=GRID),
        {"scoringrules": lambda: scoringrules.vs_ensemble(y, x, p=0.5, backend="numba")},
    )


@case("multivariate_dawid_sebastiani")
def covariance_case(data: Data) -> Case:
    forecast, analysis = (field.isel(lead_time=0, longitude=slice(8)) for field in data.fields)
    x, y = np.ascontiguousarray(np.moveaxis(forecast.values, 0, 1)), analysis.values
    return Case(
        lambda: ours.multivariate_dawid_sebastiani(forecast, analysis, dims=["longitude"]),
        {"scoringrules": lambda: scoringrules.dssmv_ensemble(y, x, backend="numpy")},
        tolerance=1e-3,
    )
