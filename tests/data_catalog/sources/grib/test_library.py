"""ecCodes is an optional part that nothing imports before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.library import open_message
from tests.data_catalog.sources.grib.writing import message, write

WITHOUT = """
import sys
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("eccodes", "gribapi"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hider())
from data_catalog.errors import ConfigurationError
from data_catalog.sources.files import open_files
try:
    open_files(sys.argv[1], ["t2m"])
except ConfigurationError as error:
    print(error)
"""
AFTER = """
import sys
from data_catalog.sources.files import open_files
assert "eccodes" not in sys.modules
open_files(sys.argv[1], ["t2m"]).compute()
import cartopy.crs
import pyproj
pyproj.Transformer.from_crs(4326, 3857).transform(50, 10)
cartopy.crs.PlateCarree().transform_point(0, 0, cartopy.crs.Robinson())
print("alive")
"""


def _printed(code: str, path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_where_it_is_not_installed_the_line_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", message("2t"))
    assert _printed(WITHOUT, path) == (
        f"{path}: expected ecCodes to read GRIB with, found none; install it with: pip install 'plumecast[grib]'"
    )


def test_maps_can_be_drawn_after_grib_was_read(tmp_path: Path) -> None:
    """ecCodes bundles a PROJ of its own, and some versions crash the process when pyproj's is loaded after it."""
    assert _printed(AFTER, write(tmp_path / "a.grib", message("2t"))) == "alive"


def test_keys_that_are_not_there_are_none() -> None:
    with open_message(message("2t"), "a.grib") as opened:
        assert (opened.text("shortName"), opened.whole("Ni"), opened.real("latitudeOfFirstGridPointInDegrees")) == (
            "2t", 6, 60.0,
        )  # fmt: skip
        assert (opened.text("number"), opened.whole("number")) == ("", None)
        assert opened.real("number") != opened.real("number")
        assert opened.gaussian_latitudes(32)[0] == pytest.approx(87.8638)


def test_what_is_no_message_is_refused() -> None:
    with (
        pytest.raises(InvalidDataError, match=r"a\.grib: expected a GRIB message of edition 1"),
        open_message(b"GRIB" + bytes(40), "a.grib"),
    ):
        pass
