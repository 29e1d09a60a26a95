import base64
import html.parser
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.products import report
from forecast.products.files.runs import RunDirectory
from forecast.products.plots import geography
from forecast.products.plots.diagnostics import plot_rank_histograms
from forecast.products.plots.figures import Caption, clock, lead_words
from forecast.products.plots.geography import map_frame, natural_earth
from forecast.products.plots.palettes import PATHS, palette
from forecast.products.plots.pictures import plot_run
from forecast.products.plots.plumes import Point, nearest
from forecast.products.plots.styles import level_norm, spread_levels, style_of, title_of, value_levels
from forecast.products.report import score_tables, write_report

SCORES = {
    "plumecast": {
        "z500": {
            "crps": {"24": 98.0665, "48": 200.0},
            "rmse": {"24": 200.0, "48": 400.0},
            "spread": {"24": 190.0, "48": 390.0},
            "spread_skill": {"24": 0.95, "48": None},
            "rank_histogram": {"24": [3, 2, 2, 2, 3], "48": [2, 2, 2, 2, 2]},
        }
    },
    "persistence": {"z500": {"crps": {"24": None, "48": None}, "rmse": {"24": 500.0, "48": 100.0}}},
    "climatology": {"z500": {"crps": {"24": 500.0, "48": 150.0}, "rmse": {"24": 900.0, "48": 900.0}}},
}
POINTS = ({"name": "New York", "latitude": 40.7, "longitude": -74.0},)


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, channels=("z500", "tp24"), members=4, leads=2)
    return run


def test_all_pictures_of_a_run(run, synthetic):
    times = synthetic.INIT_TIME + np.arange(3) * np.timedelta64(1, "D")
    planes = synthetic.fields(("z500", "tp24"), synthetic.GLOBAL, (9, 10, 11), 0)
    analysis = xr.Dataset(
        {name: (("time", "latitude", "longitude"), values) for name, values in planes.items()}, coords={"time": times}
    )
    made = plot_run(run.path, points=POINTS, scores=SCORES, analysis=analysis, lead_days=(1, 2))
    expected = ["map_z500", "stamps_z500", "map_tp24", "plume_new_york", "skill", "ranks_z500"]
    assert [path.stem for path in made] == expected
    for path in made:
        with Image.open(path) as picture:
            assert min(picture.size) > 300
            assert len(picture.getcolors(256)) > 20


def test_a_picture_is_the_same_each_time(tmp_path, synthetic):
    histograms = {"24": [1, 2, 1]}
    caption = Caption("demo", synthetic.INIT_TIME, 2, True)
    first = plot_rank_histograms(histograms, tmp_path / "a.png", caption=caption, channel_name="msl")
    second = plot_rank_histograms(histograms, tmp_path / "b.png", caption=caption, channel_name="msl")
    assert first.read_bytes() == second.read_bytes()


def test_a_region_and_one_member_can_be_drawn(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "region", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, grid=synthetic.REGIONAL, channels=("msl",), members=1, leads=1)
    assert [path.stem for path in plot_run(run.path)] == ["stamps_msl"]


def test_unknown_channels_and_far_places_are_refused(run, synthetic):
    with pytest.raises(ConfigurationError, match="picture of t2m"):
        plot_run(run.path, channels=("t2m",))
    grid = xr.Dataset(coords={"latitude": synthetic.REGIONAL[0], "longitude": synthetic.REGIONAL[1]})
    assert nearest(grid, Point("London", 51.5, 359.9)) == (9, 28)
    with pytest.raises(ConfigurationError, match=r"Tokyo: longitude 139\.7"):
        nearest(grid, Point("Tokyo", 35.7, 139.7))


def test_nearest_reaches_across_the_date_line(synthetic):
    grid = xr.Dataset(coords={"latitude": synthetic.GLOBAL[0], "longitude": synthetic.GLOBAL[1]})
    assert nearest(grid, Point("Greenwich", 51.5, 359.0))[1] == 0
    assert nearest(grid, Point("Greenwich", 51.5, -11.0))[1] == 31


@pytest.mark.parametrize("grid", ["GLOBAL", "POLES", "REGIONAL"])
def test_projected_fields_keep_their_values(synthetic, grid):
    latitude, longitude = getattr(synthetic, grid)
    frame = map_frame(latitude, longitude)
    constant = frame.project(np.full((latitude.size, longitude.size), 7.0))
    inside = np.isfinite(constant)
    assert 0.5 < inside.mean() < 1.0
    assert np.allclose(constant[inside], 7.0)
    smooth = np.sin(np.deg2rad(latitude))[:, None] + 0 * longitude
    assert np.nanmax(np.abs(frame.project(smooth))) <= 1.02
    assert len(frame.coastlines) > 3
    rows = frame.project(np.repeat(latitude[:, None], longitude.size, axis=1), smooth=False)
    middle = rows[:, rows.shape[1] // 2]
    assert np.all(np.diff(middle[np.isfinite(middle)]) > -1e-6) or grid == "REGIONAL"


def test_vectors_turn_round_beyond_a_pole(synthetic):
    latitude, longitude = synthetic.GLOBAL
    frame = map_frame(latitude, longitude)
    # A uniform flow across the pole: as a vector field it is smooth there, as a scalar it is not.
    field = np.repeat(np.cos(np.deg2rad(longitude))[None], latitude.size, axis=0)
    top = frame.project(field, polar_sign=-1)[-2]
    assert np.isfinite(top).any()
    assert np.abs(np.nanmax(top) - np.nanmax(frame.project(field, polar_sign=1)[-2])) > 0.1


def test_a_missing_coastline_is_an_error_and_never_a_download(tmp_path, monkeypatch):
    monkeypatch.setattr(geography, "NATURAL_EARTH", tmp_path)
    with pytest.raises(MissingDataError, match="coastlines"):
        natural_earth("physical", "coastline")


@pytest.mark.parametrize("name", sorted(PATHS))
def test_palettes_have_even_steps(name):
    colours = palette(name)(np.linspace(0, 1, 65))[:, :3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = np.diff(lightness)
    assert np.abs(steps).max() < 3.5
    if name in ("height", "spread", "moisture"):
        assert np.all(steps * np.sign(steps[0]) > -0.1)
    else:
        middle = len(steps) // 2
        assert np.all(steps[: middle - 1] > -0.1)
        assert np.all(steps[middle + 1 :] < 0.1)


def test_levels_span_the_data_at_round_numbers():
    style = style_of("z500")
    levels = value_levels(style, [np.array([[485.0, 590.0]])])
    assert levels[0] <= 485
    assert levels[-1] >= 590
    assert np.allclose(np.diff(levels), 8.0)
    spread = spread_levels([np.linspace(0, 14, 100)])
    assert spread[0] == 0
    assert spread[-1] >= 13.9
    assert np.all(np.diff(spread) > 0)
    assert spread_levels([np.zeros(4)]).size > 3
    norm = level_norm(np.array([-10.0, -5, 0, 5, 10, 15]), style_of("u850"))
    assert norm(np.array([-2.5])) + norm(np.array([2.5])) == 255


def test_words_for_readers():
    assert title_of("z500") == "500 hPa geopotential height"
    assert title_of("tp24") == "24 h precipitation"
    assert clock(np.datetime64("2008-01-05T06:30")) == "Sat 5 Jan 2008 06:30 UTC"
    assert lead_words(np.timedelta64(36, "h")) == "+36 h"


def test_rank_histograms_show_few_leads(tmp_path, synthetic):
    histograms = {str(24 * day): [1, 2, 1] for day in range(1, 11)}
    caption = Caption("demo", synthetic.INIT_TIME, 2, False)
    out = plot_rank_histograms(histograms, tmp_path / "ranks.png", caption=caption, channel_name="msl")
    with Image.open(out) as picture:
        assert picture.size[0] < 1800


class _Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.targets, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.sources += [named[key] for key in ("src", "srcset", "data") if key in named]
        self.targets += [named["href"]] if "href" in named else []

    def handle_data(self, data):
        self.text += data


def _read(page):
    links = _Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


def test_the_page_is_self_contained_and_says_what_it_shows(run):
    plot_run(run.path, points=POINTS, scores=SCORES)
    page = _read(
        write_report(run.path, scores=SCORES, title="A <b>bold</b> system", data_licence="CC0", seeds=["0a", "0b"])
    )
    assert len(page.sources) == 6
    assert all(re.match(r"data:image/png;base64,", source) for source in page.sources)
    assert base64.b64decode(page.sources[0].split(",")[1])[:4] == b"\x89PNG"
    assert not [target for target in page.targets if ":" in target]
    for target in page.targets:
        assert target.startswith("#") or target == "manifest.json" or (run.path / target).exists()
    for words in (
        "A <b>bold</b> system",
        "Simulated weather",
        "CC0",
        "0b",
        "ab" * 32,
        "1.00",
        "5.10",
        "--only-member 3",
    ):
        assert words in page.text, words


def test_the_page_tells_when_a_run_becomes_verifiable(run):
    page = _read(write_report(run.path, simulated=False))
    assert "Wed 16 Jan 2008 00 UTC" in page.text
    assert "plumecast verify" in page.text
    assert "Simulated weather" not in page.text.replace("SIMULATED weather: synthetic", "")


def test_score_tables_mark_the_smallest_and_keep_undefined_scores_out():
    (table,) = score_tables(SCORES, ["z500", "tp24"])
    assert table.leads == ("1 d", "2 d")
    groups = dict(table.groups)
    crps = {row.system: row for row in groups["fair CRPS"]}
    assert list(crps) == ["Plumecast", "Climatology"]
    assert crps["Plumecast"].values == ("1.00", "2.04")
    assert crps["Plumecast"].best == (True, False)
    assert crps["Climatology"].best == (False, True)
    assert {row.system for row in groups["RMSE of the mean"]} == {"Plumecast", "Climatology", "Persistence"}
    assert table.spread_skill == ("0.95", "–")
    assert report.score_tables({}, ["z500"]) == []
