import numpy as np
import pytest
from PIL import Image

from forecast.products.plots.figures import DPI, Caption, Heading, clock, lead_words, new_figure, save


def test_times_and_lead_times_are_formatted():
    assert clock(np.datetime64("2008-01-05T06:30")) == "Sat 5 Jan 2008 06:30 UTC"
    assert clock(np.datetime64("2008-01-05T06:00")) == "Sat 5 Jan 2008 06 UTC"
    assert lead_words(np.timedelta64(36, "h")) == "+36 h"
    assert lead_words(np.timedelta64(48, "h")) == "Day 2"


@pytest.mark.parametrize("simulated", [True, False])
def test_a_heading_says_of_which_forecast_and_whether_it_is_simulated(simulated):
    figure = new_figure(6, 2, "A title", Caption("A system", np.datetime64("2008-01-05T00:00"), 2, simulated))
    words = [text.get_text() for text in figure.texts]
    assert words[:2] == ["A title", "A system  ·  2 members from Sat 5 Jan 2008 00 UTC"]
    assert ("SIMULATED WEATHER" in words) == simulated


@pytest.mark.parametrize("title", ["Costs $x^{2 of_ $", "$5", "$a$"])
def test_dollars_of_a_users_title_are_no_formula(tmp_path, title):
    figure = new_figure(6, 2, "T", Heading(title, False))
    save(figure, tmp_path / "a.png")
    assert [text.get_text().replace("\\$", "$") for text in figure.texts] == ["T", title]


def test_equal_figures_are_equal_files(tmp_path):
    first, second = (save(new_figure(6, 2, "T", Heading("o", True)), tmp_path / name) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()
    with Image.open(first) as picture:
        assert picture.size == (6 * DPI, 2 * DPI)
