"""The figure of a scorecard."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from forecast.products.plots.scorecards import BETTER, WORSE, plot_scorecard


def card(channels: int = 2, leads: int = 3, regions: tuple[str, ...] = ("global", "north-america")) -> xr.Dataset:
    """Changes from -12 % upwards, the even ones significant; one is unknown, one not tested."""
    shape = (channels, leads, len(regions))
    change = np.arange(channels * leads * len(regions), dtype=np.float64).reshape(shape) - 12
    p_value = np.where(change % 2 == 0, 0.01, 0.2)
    change[0, 0, 0], p_value[0, 0, 0], p_value[-1, -1, -1] = np.nan, np.nan, np.nan
    hours = (np.arange(1, leads + 1) * np.timedelta64(24, "h")).astype("timedelta64[ns]")
    dims = ("channel", "lead_time", "region")
    coords = {"channel": ["z500", "msl", "t2m", "tp24"][:channels], "lead_time": hours, "region": list(regions)}
    made = xr.Dataset({"change": (dims, change), "p_value": (dims, p_value), "p_adjusted": (dims, p_value)}, coords)
    return made.assign_attrs(
        forecaster="plumecast", reference="linear", score_name="crps", cycles=20, tests=10, evenly_spaced=0,
        first_init_time="2008-01-01T00:00", last_init_time="2008-06-01T00:00",
    )  # fmt: skip


def triangles(figure: Figure, panel: int) -> dict[tuple[float, float], tuple[str, bool, float]]:
    """Colour, fill and size of each triangle by its place."""
    found = {}
    for collection in figure.axes[panel].collections:
        assert isinstance(collection, PathCollection)
        for (x, y), size in zip(collection.get_offsets(), collection.get_sizes(), strict=True):
            filled = len(collection.get_facecolors()) > 0
            found[float(x), float(y)] = (to_hex(collection.get_edgecolors()[0]), filled, float(size))
    return found


def test_a_triangle_says_direction_size_and_significance(tmp_path: Path, drawn: list[Figure]) -> None:
    made = card(channels=4)
    plot_scorecard(made, tmp_path / "card.png")
    for panel in range(2):
        found = triangles(drawn[0], panel)
        region = made.isel(region=panel)
        for row in range(4):
            for column in range(3):
                change = float(region["change"][row, column])
                if np.isnan(change) or change == 0:
                    assert (column, row) not in found
                    continue
                colour, filled, _ = found[column, row]
                assert colour == (BETTER if change < 0 else WORSE)
                assert filled == (float(region["p_adjusted"][row, column]) < 0.05)
        sizes = [size for _, (_, _, size) in sorted(found.items(), key=lambda item: item[0][1])]
        assert max(sizes) > min(sizes)
    titles = [axes.get_title(loc="left") for axes in drawn[0].axes[:2]]
    assert titles == ["Global", "North America"]


def test_small_cards_have_figures_and_notes_say_what_to_know(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_scorecard(card(), tmp_path / "card.png")
    words = [text.get_text() for text in drawn[0].axes[0].texts]
    assert {"–", "−10 %", "−8.0 %"} <= set(words)
    note = " ".join(text.get_text() for text in drawn[0].texts)
    assert "false discovery rate over 10 tests" in note
    assert "unevenly spaced" in note
    assert "1 cell with too few cycles not tested" in note
    assert "20 cycles, 2008-01-01 to 2008-06-01" in note
    assert "SIMULATED WEATHER" not in note
    plot_scorecard(card(), tmp_path / "simulated.png", simulated=True)
    assert "SIMULATED WEATHER" in " ".join(text.get_text() for text in drawn[1].texts)


def extent_of(axes: Axes, text: str) -> Bbox:
    return next(drawn.get_window_extent() for drawn in axes.findobj(Text) if drawn.get_text() == text)


def test_nothing_overlaps(tmp_path: Path, drawn: list[Figure]) -> None:
    for index, (channels, leads, regions) in enumerate(((1, 3, 1), (4, 3, 6), (2, 10, 2))):
        names = ("global", "northern-extratropics", "southern-extratropics", "tropics", "europe", "own")[:regions]
        path = plot_scorecard(card(channels, leads, names), tmp_path / f"{index}.png", simulated=True)
        figure = drawn[index]
        heading = [text for text in figure.texts if text.get_fontsize() == 13 or text.get_text().startswith("SIMU")]
        left, right = (text.get_window_extent() for text in heading)
        assert left.x1 < right.x0
        assert max(text.get_window_extent().x1 for text in figure.texts) <= figure.bbox.x1
        titles = [extent_of(axes, axes.get_title(loc="left")) for axes in figure.axes[: min(regions, 3)]]
        assert all(one.x1 < other.x0 for one, other in pairwise(titles))
        with Image.open(path) as picture:
            assert picture.width == round(figure.bbox.width)
