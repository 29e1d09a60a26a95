import base64
import html.parser
import re

import pytest

from data_catalog.catalog import dataset
from forecast.products.files.runs import RunDirectory
from forecast.products.page.report import write_report
from forecast.products.plots.figures import Heading, new_figure, save

SIMULATED, REAL = dataset("speedy-5p6"), dataset("ncep-natlantic")
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


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    attributes = synthetic.ATTRIBUTES | {"plumecast_member_seeds": "0a 0b 0c 0d"}
    synthetic.write_forecast(run.forecast, channels=("z500", "tp24"), members=4, leads=2, attributes=attributes)
    run.plots.mkdir()
    return run


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
    pictures = [run.plots / f"{name}.png" for name in ("map_z500", "plume_new_york", "skill")]
    for picture in pictures:
        save(new_figure(1, 1, picture.stem, Heading("", True)), picture)
    page = _read(write_report(run.path, title="A <b>bold</b> system", data=SIMULATED, pictures=pictures, scores=SCORES))
    assert len(page.sources) == 3
    assert all(re.match(r"data:image/png;base64,", source) for source in page.sources)
    assert base64.b64decode(page.sources[0].split(",")[1])[:4] == b"\x89PNG"
    assert not [target for target in page.targets if ":" in target]
    for target in page.targets:
        assert target.startswith("#") or target == "manifest.json" or (run.path / target).exists()
    for words in (
        "A <b>bold</b> system",
        "Simulated weather",
        SIMULATED.licence,
        "0d",
        "ab" * 32,
        "1.00",
        "5.10",
        "--only-member 3",
    ):
        assert words in page.text, words


def test_the_zarr_of_a_run_is_listed(run):
    run.zarr.mkdir()
    (run.zarr / "zarr.json").write_text("x" * 200_000)
    page = _read(write_report(run.path, title="Demo", data=REAL, pictures=[]))
    assert run.zarr.name in page.targets
    assert "WeatherBench2-layout Zarr, 0.2 MB" in page.text


def test_the_page_says_when_the_run_can_be_verified(run):
    page = _read(write_report(run.path, title="Demo", data=REAL, pictures=[]))
    assert "Wed 16 Jan 2008 00 UTC" in page.text
    assert "plumecast verify" in page.text
    assert "Simulated weather" not in page.text.replace("SIMULATED weather: synthetic", "")
