"""Ensembles at stations calibrated, written as tables, and scored beside the raw ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.stations.forecast_tables import write_forecast_table
from forecast.postprocessing.rolling import MEMBERS, Settings, calibrate, check_no_overlap, choose_distribution
from forecast.verification.station_scores import pit_histogram, station_scores
from pipelines.scoring.stations.report import checks_json, scores_json
from pipelines.scoring.stations.request import StationRequest, open_tables
from pipelines.scoring.stations.verify import checked_table


@dataclass(frozen=True)
class PostprocessRequest:
    """What is calibrated, and with what.

    Attributes:
        forecasts: Tables to calibrate.
        train: Table of earlier forecasts with observations.
        method: `"emos"` or `"mbm"`.
        first: First start to calibrate; that of `forecasts` when None.
        fixed: Whether it is fitted once.
        quantity: Channel of the tables, where they do not say it.
    """

    forecasts: tuple[str, ...]
    train: Path | None = None
    method: str = "emos"
    first: np.datetime64 | None = None
    fixed: bool = False
    quantity: str | None = None


def postprocess_to(request: PostprocessRequest, out: Path) -> dict[str, Any] | None:
    """Calibrate ensembles at stations and write them.

    Args:
        request: What is calibrated.
        out: File for the calibrated members, CSV or NetCDF.

    Returns:
        Scores of raw and calibrated members over the same cases; None if nothing was observed yet.

    Raises:
        ConfigurationError: The method is none, or there is nothing to fit to.
        InvalidDataError: A fixed training reaches beyond the first start, or a table is wrong.
        MissingDataError: Too little is known before the first start.
    """
    if request.method not in MEMBERS:
        raise ConfigurationError(f"--method: expected one of {', '.join(MEMBERS)}, found '{request.method}'")
    wanted = open_tables(StationRequest(), list(request.forecasts))
    first = wanted["init_time"].values.min() if request.first is None else request.first
    table = wanted
    if request.train is not None:
        training = open_tables(StationRequest(), [request.train])
        if request.fixed:
            check_no_overlap(training, wanted.sel(init_time=slice(first, None)))
        table = _joined(training, wanted)
    if "observation" not in table:
        raise ConfigurationError("--train: expected observations to fit to, found none")
    table, checked = checked_table(table, request.quantity)
    settings = Settings(choose_distribution(table), request.method, every_days=None if request.fixed else 14.0)
    done = calibrate(table, first, settings)
    later = table.sel(init_time=done.forecast["init_time"])
    members = later[["forecast"]].assign(forecast=done.forecast)
    if later["observation"].notnull().any():
        members["observation"] = later["observation"]
    write_forecast_table(out, members.assign_attrs(table.attrs))
    if not np.isfinite(done.crps).any():
        return None
    raw = later["forecast"].where(done.forecast.notnull())
    calibrated = scores_json(station_scores(done.forecast, later["observation"]))
    scored = np.isfinite(done.crps)
    calibrated["crps_distribution"] = float(f"{done.crps[scored].mean():.6g}")
    calibrated["pit_distribution"] = [round(share, 5) for share in pit_histogram(done.pit[scored])]
    return {
        "quantity": str(table.attrs.get("quantity", "forecast")),
        "units": table.attrs.get("units"),
        "stations": int(scored.any((1, 2)).sum()),
        "members": raw.sizes["member"],
        "distribution": settings.distribution,
        "observations": checks_json(checked),
        "raw": scores_json(station_scores(raw, later["observation"])),
        request.method: calibrated,
    }


def _joined(training: xr.Dataset, wanted: xr.Dataset) -> xr.Dataset:
    """Earlier forecasts and those to calibrate, which count where a start is in both."""
    if training.sizes["member"] != wanted.sizes["member"]:
        found = f"{wanted.sizes['member']} and {training.sizes['member']}"
        raise ConfigurationError(f"--train: expected as many members as the forecasts have, found {found}")
    starts = wanted["init_time"].values
    earlier = training.sel(init_time=~np.isin(training["init_time"].values, starts))
    earlier = earlier.sel(init_time=earlier["init_time"] < starts.max())
    if not earlier.sizes["init_time"]:
        raise MissingDataError("--train: expected earlier starts than those of the forecasts, found none")
    names = [name for name in ("forecast", "observation", "single_forecast") if name in training]
    joined = xr.concat([earlier[names], wanted], "init_time", join="outer", coords="minimal", compat="override")
    order = ("station", "init_time", "lead_time", "member")
    return joined.sortby("init_time").transpose(*order, ...).assign_attrs(training.attrs | wanted.attrs)
