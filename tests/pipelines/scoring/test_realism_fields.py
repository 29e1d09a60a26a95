"""Departures of members and analyses are those that the model works on."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.checkpoints.files import load_checkpoint
from forecast.states.standardiser import Standardiser
from pipelines.scoring.realism_fields import RealismFields
from tests.pipelines.conftest import invented_weather

START, LEADS = np.datetime64("2008-01-05", "ns"), np.array([1, 2]) * np.timedelta64(24, "h").astype("timedelta64[ns]")


@pytest.fixture
def standardiser(tiny_checkpoint: Path) -> Standardiser:
    return load_checkpoint(tiny_checkpoint).standardiser


def test_members_and_analyses_of_the_same_fields_have_the_same_departures(standardiser: Standardiser) -> None:
    weather = invented_weather("2008-01-01", "2008-01-10")
    fields = RealismFields(weather, standardiser)
    analysis = fields.verifying(START, LEADS)
    members = xr.concat([fields.led(START, LEADS)] * 2, "member").assign_coords(member=[0, 1], init_time=START)
    found = fields.departures(members, START)
    assert set(found.dims) == {"member", "lead_time", "channel", "latitude", "longitude"}
    xr.testing.assert_allclose(found.isel(member=1, drop=True), analysis)
    alone = fields.departures_at(START + LEADS, ["t2m"])
    np.testing.assert_allclose(alone.isel(channel=0), analysis.sel(channel="t2m"))


def test_climatology_and_departures_make_up_the_field(standardiser: Standardiser) -> None:
    weather = invented_weather("2008-01-01", "2008-01-10")
    fields = RealismFields(weather, standardiser)
    departure = fields.verifying(START, LEADS).sel(channel="msl")
    scale = float(standardiser.std[standardiser.channels.index("msl")])
    made = fields.climatology(START + LEADS, "lead_time")["msl"] + scale * departure
    np.testing.assert_allclose(made.values, fields.led(START, LEADS)["msl"].values, rtol=1e-6)
