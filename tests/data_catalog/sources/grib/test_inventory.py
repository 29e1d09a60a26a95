"""What an inventory calls a field, its message must be called as well; places are those of the messages."""

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.fields import field_name
from data_catalog.sources.grib.inventory import InventoryLine, read_inventory
from data_catalog.sources.grib.library import open_message
from data_catalog.sources.grib.messages import MessagePlace
from data_catalog.sources.grib.remote import names_in_grib
from tests.data_catalog.sources.grib.writing import message

# Channel, NCEP's abbreviation and level, WMO discipline, category and number, kind of surface and its value.
FIELDS = [
    ("z500", "HGT", "500 mb", 0, 3, 5, 100, 50000),
    ("t850", "TMP", "850 mb", 0, 0, 0, 100, 85000),
    ("u250", "UGRD", "250 mb", 0, 2, 2, 100, 25000),
    ("v250", "VGRD", "250 mb", 0, 2, 3, 100, 25000),
    ("w500", "VVEL", "500 mb", 0, 2, 8, 100, 50000),
    ("q850", "SPFH", "850 mb", 0, 1, 0, 100, 85000),
    ("r700", "RH", "700 mb", 0, 1, 1, 100, 70000),
    ("msl", "PRMSL", "mean sea level", 0, 3, 1, 101, 0),
    ("sp", "PRES", "surface", 0, 3, 0, 1, 0),
    ("t2m", "TMP", "2 m above ground", 0, 0, 0, 103, 2),
    ("d2m", "DPT", "2 m above ground", 0, 0, 6, 103, 2),
    ("u10", "UGRD", "10 m above ground", 0, 2, 2, 103, 10),
    ("v10", "VGRD", "10 m above ground", 0, 2, 3, 103, 10),
    ("u100", "UGRD", "100 m above ground", 0, 2, 2, 103, 100),
    ("v100", "VGRD", "100 m above ground", 0, 2, 3, 103, 100),
    ("i10fg", "GUST", "surface", 0, 2, 22, 1, 0),
    ("tcwv", "PWAT", "entire atmosphere (considered as a single layer)", 0, 1, 3, 200, 0),
    ("tcc", "TCDC", "entire atmosphere", 0, 6, 1, 10, 0),
    ("cape", "CAPE", "surface", 0, 7, 6, 1, 0),
    ("siconc", "ICEC", "surface", 10, 2, 0, 1, 0),
    ("lsm", "LAND", "surface", 2, 0, 0, 1, 0),
    ("orography", "HGT", "surface", 0, 3, 5, 1, 0),
]


def coded(discipline: int, category: int, number: int, surface: int, value: int, **keys: object) -> bytes:
    """A message of NCEP by WMO's numbers."""
    return message(
        "t", centre="kwbc", dataType="fc", discipline=discipline, parameterCategory=category, parameterNumber=number,
        typeOfFirstFixedSurface=surface, scaleFactorOfFirstFixedSurface=0, scaledValueOfFirstFixedSurface=value, **keys,
    )  # fmt: skip


@pytest.mark.parametrize("field", FIELDS, ids=[field[0] for field in FIELDS])
def test_an_inventory_names_fields_as_messages_do(field: tuple[str, str, str, int, int, int, int, int]) -> None:
    channel, variable, level, *numbers = field
    line = InventoryLine.of(f"5:1234:d=2026111500:{variable}:{level}:anl:")
    assert line is not None
    assert line.name in names_in_grib(channel)
    with open_message(coded(*numbers), "x") as opened:
        assert field_name(opened) == line.name


def test_places() -> None:
    lines = (
        "1:0:d=2026111500:PRMSL:mean sea level:anl:\n"
        "2:100:d=2026111500:HGT:planetary boundary layer:anl:\n"
        "3:250:d=2026111500:TMP:0.4 mb:anl:ENS=+3\n"
        "4.1:300:d=2026111500:UGRD:250 mb:anl:\n4.2:300:d=2026111500:VGRD:250 mb:anl:\n"
        "5:700:d=2026111500:TMP:2 m above ground:0-0 day max fcst:\n"
        "6:900:d=2026111500:LAND:surface:anl:\n"
    )
    assert read_inventory(lines.encode(), "a.idx") == {
        "prmsl": MessagePlace(0, 100), "t_0.4hPa": MessagePlace(250, 50), "u_250hPa": MessagePlace(300, 400, 0),
        "v_250hPa": MessagePlace(300, 400, 1), "lsm": MessagePlace(900, 0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.idx: expected an index of a GRIB file, found an empty one"),
        (b"<html>", "a.idx: line 1: expected number:byte:d=date:variable:level:time:, found '<html>'"),
        (b"1:0:d=2026111500:TMP:2 m above ground:anl:\n2:x:d=20", "a.idx: line 2: expected"),
        (b"1:0:d=2026111500:LAND:surface:anl:\n2:9:d=2026111500:LAND:surface:anl:\n", "LAND at surface once, found it"),
    ],
)
def test_what_is_no_inventory_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidDataError, match=said):
        read_inventory(content, "a.idx")


def test_levels_below_one_hectopascal_are_no_others() -> None:
    numbers = np.array([InventoryLine.of(f"1:0:d=2026111500:TMP:{level} mb:anl:").name for level in ("1", "0.1")])  # type: ignore[union-attr]
    assert numbers.tolist() == ["t_1hPa", "t_0.1hPa"]
