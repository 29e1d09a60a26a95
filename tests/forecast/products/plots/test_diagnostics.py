from PIL import Image

from forecast.products.plots.diagnostics import plot_rank_histograms, plot_skill
from forecast.products.plots.figures import Caption

SCORES = {
    "plumecast": {"msl": {"crps": {"24": 98.0, "48": None}, "rmse": {"24": 200.0}, "spread": {"24": 190.0}}},
    "persistence": {"msl": {"crps": {"24": None}, "rmse": {"24": 500.0}}},
}


def test_skill_has_a_row_for_each_channel(tmp_path, synthetic):
    caption = Caption("demo", synthetic.INIT_TIME, 2, False)
    one = plot_skill(SCORES, tmp_path / "1.png", caption=caption, channels=["msl"])
    two = plot_skill(SCORES, tmp_path / "2.png", caption=caption, channels=["msl", "msl"])
    with Image.open(one) as lower, Image.open(two) as higher:
        assert higher.size[1] > lower.size[1]
        assert len(lower.getcolors(256)) > 20


def test_figures_are_reproducible(tmp_path, synthetic):
    histograms = {"24": [1, 2, 1]}
    caption = Caption("demo", synthetic.INIT_TIME, 2, True)
    first = plot_rank_histograms(histograms, tmp_path / "a.png", caption=caption, channel_name="msl")
    second = plot_rank_histograms(histograms, tmp_path / "b.png", caption=caption, channel_name="msl")
    assert first.read_bytes() == second.read_bytes()


def test_rank_histograms_show_few_leads(tmp_path, synthetic):
    histograms = {str(24 * day): [1, 2, 1] for day in range(1, 11)}
    caption = Caption("demo", synthetic.INIT_TIME, 2, False)
    out = plot_rank_histograms(histograms, tmp_path / "ranks.png", caption=caption, channel_name="msl")
    with Image.open(out) as picture:
        assert picture.size[0] < 1800
