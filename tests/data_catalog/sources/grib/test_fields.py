"""Each field has a name that tells it from every other, and what is no channel never has the name of one."""

from typing import Any

import eccodes
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.fields import GribField
from data_catalog.sources.grib.library import open_message
from tests.data_catalog.sources.grib.writing import message, on_level


def _field(content: bytes) -> GribField:
    with open_message(content, "a.grib") as opened:
        return GribField.of(opened, "a.grib")


NAMES: list[tuple[str, bytes]] = [
    ("z_500hPa", on_level("z", 500)),
    ("z_500hPa", on_level("z", 500, edition=1)),
    ("gh_500hPa", on_level("gh", 500)),
    ("u_100hPa", on_level("u", 100)),
    ("t_0.5hPa", message("t", typeOfLevel="isobaricInPa", level=50)),
    ("2t", message("2t")),
    ("2t", message("2t", edition=1)),
    ("t_80heightAboveGround", message("t", typeOfLevel="heightAboveGround", level=80)),
    ("t_0surface", message("t")),
    ("unknown_0_7_6_180pressureFromGroundLayer", message("cape", typeOfLevel="pressureFromGroundLayer", topLevel=180)),
    ("prmsl", message("prmsl", typeOfLevel="meanSea")),
    ("geopotential_at_surface", message("z")),
    ("geopotential_at_surface", message("z", edition=1)),
    ("swvl1", message("vsw", typeOfLevel="soilLayer", level=1)),
    ("swvl3", message("vsw", typeOfLevel="soilLayer", level=3)),
    ("tp6", message("tp", dataType="fc", stepRange="0-6")),
    ("tp24", message("tp", dataType="fc", stepRange="24-48")),
    ("tp_0", message("tp", dataType="fc", stepRange="0-0")),
    ("2t_avg", message("2t", edition=1, stepType="avg", stepRange="0-6")),
    ("2t_max", message("2t", edition=1, stepType="max", stepRange="0-6")),
    ("avg_t_850hPa", on_level("t", 850, productDefinitionTemplateNumber=8, typeOfStatisticalProcessing=0)),
    ("tp6", message("tp", edition=1, dataType="fc", stepType="accum", stepRange="6-12")),
    ("tp", message("tp", edition=1, dataType="fc", step=6)),
    ("10fg", message("10fg", dataType="fc", stepRange="0-6")),
    ("2t_em", message("2t", edition=1, dataType="em")),
    ("2t_es", message("2t", edition=1, dataType="es")),
    ("unknown_0_190_3", message("msl", discipline=0, parameterCategory=190, parameterNumber=3)),
    ("unknown_250_7", message("2t", edition=1, table2Version=250, indicatorOfParameter=7)),
]


@pytest.mark.parametrize(("name", "content"), NAMES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(NAMES)])
def test_names(name: str, content: bytes) -> None:
    assert _field(content).name == name


def _ensemble(number: int, kind: str) -> dict[str, Any]:
    return {"productDefinitionTemplateNumber": 1, "dataType": kind, "number": number}


def test_kinds_and_members() -> None:
    told = [
        _field(message("2t")),
        _field(message("2t", dataType="fc", step=6)),
        _field(message("2t", **_ensemble(0, "cf"))),
        _field(message("2t", **_ensemble(17, "pf"))),
        _field(message("2t", edition=1, dataType="fc", marsClass="ea", step=6)),
    ]
    assert [one.kind for one in told] == ["an", "fc", "ensemble", "ensemble", "reanalysis"]
    assert [one.member for one in told] == [0, 0, 0, 17, 0]


@pytest.mark.parametrize("edition", [1, 2])
def test_times(edition: int) -> None:
    field = _field(message("2t", edition=edition, dataDate=20200229, dataTime=1800, dataType="fc", step=30))
    assert (field.init_time, field.valid_time) == (np.datetime64("2020-02-29T18:00"), np.datetime64("2020-03-02T00:00"))
    rain = _field(message("tp", dataDate=20200229, dataType="fc", stepRange="18-24"))
    assert rain.valid_time == np.datetime64("2020-03-01T00:00")
    assert rain.cell_methods == "time: sum"
    minutes = message("2t", dataType="fc", indicatorOfUnitOfTimeRange=0, forecastTime=90)
    assert _field(minutes).valid_time == np.datetime64("2020-01-01T01:30")


def test_dates_that_never_were_are_refused() -> None:
    content = bytearray(message("2t"))
    assert content[30] == 1
    content[30] = 14  # the month, in octet 15 of section 1
    with pytest.raises(InvalidDataError, match="expected dataDate and dataTime of the calendar, found 20201401"):
        _field(bytes(content))


def test_a_field_describes_itself() -> None:
    content = message("2t", **_ensemble(17, "pf"), step=6)
    assert _field(content).described == "2t (ensemble) of member 17 from 2020-01-01T00:00Z for 2020-01-01T06:00Z"
    assert eccodes.codes_get_api_version(int) >= 23900
