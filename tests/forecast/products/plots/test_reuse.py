"""A figure is drawn again if what it shows has changed, and only then."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from forecast.products.plots import reuse
from forecast.products.plots.reuse import drawn_or_kept


@dataclass(frozen=True)
class Shown:
    field: xr.Dataset | None
    title: str


def field(value: float = 1.0, longitude: float = 0.0, name: str = "t2m") -> xr.Dataset:
    values = np.zeros((40, 60))
    values[20, 30] = value  # where the text of an array has dots
    places = {"latitude": np.arange(40.0), "longitude": np.arange(60.0) + longitude}
    return xr.Dataset({name: (tuple(places), values)}, places)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(reuse, "_code_digest", lambda: "the code")
    return []


def picture(drawings: list[Path], shown: Shown, *, lead: int = 1, colour: str = "red") -> "partial[Path]":
    def draw(_shown: Shown, out: Path, **_: object) -> Path:
        drawings.append(out)
        Image.new("P", (8, 8)).save(out, format="png")
        return out

    return partial(draw, shown, lead=lead, colour=colour)


def test_an_equal_figure_is_kept(tmp_path: Path, drawings: list[Path]) -> None:
    out = tmp_path / "a.png"
    for _ in range(2):
        drawn_or_kept(picture(drawings, Shown(field(), "T")), out)
    assert drawings == [out]
    with Image.open(out) as shown:
        shown.load()
        assert set(shown.text) == {"plumecast-drawn-from"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "options"),
    [
        (Shown(field(value=1.5), "T"), {}),
        (Shown(field(longitude=5.0), "T"), {}),
        (Shown(field(name="msl"), "T"), {}),
        (Shown(field(), "U"), {}),
        (Shown(None, "T"), {}),
        (Shown(field(), "T"), {"lead": 2}),
        (Shown(field(), "T"), {"colour": "blue"}),
    ],
)
def test_whatever_changes_is_drawn_again(
    tmp_path: Path, drawings: list[Path], changed: Shown, options: dict[str, object]
) -> None:
    out = tmp_path / "a.png"
    for shown, others in ((Shown(field(), "T"), {}), (changed, options)):
        drawn_or_kept(picture(drawings, shown, **others), out)  # type: ignore[arg-type]
    assert len(drawings) == 2


def test_another_drawing_code_draws_again(
    tmp_path: Path, drawings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = picture(drawings, Shown(field(), "T"))
    drawn_or_kept(draw, tmp_path / "a.png")
    monkeypatch.setattr(reuse, "_code_digest", lambda: "other code")
    drawn_or_kept(draw, tmp_path / "a.png")
    assert len(drawings) == 2


def test_a_figure_of_an_earlier_release_holds_no_digest(tmp_path: Path, drawings: list[Path]) -> None:
    Image.new("P", (8, 8)).save(tmp_path / "a.png")
    drawn_or_kept(picture(drawings, Shown(field(), "T")), tmp_path / "a.png")
    assert len(drawings) == 1
