import numpy as np
from PIL import Image

from forecast.products.plots.explanation import explanation_figure, plot_explanation
from forecast.products.plots.figures import Caption
from forecast.products.plots.styles import title_of


def caption(synthetic):
    return Caption("Waves", synthetic.INIT_TIME, 3, simulated=True)


def test_it_shows_maps_shares_and_the_check(explanation, synthetic, tmp_path):
    figure = explanation_figure(explanation, caption=caption(synthetic), place="London")
    words = [text.get_text() for text in figure.texts]
    assert words[0].startswith("What mean sea level pressure hangs on: London, day 2, valid Thu 17 Jan 2008")
    assert "2 m temperature: change of the spread" in words
    labels = {axes.get_xlabel() for axes in figure.axes}
    assert any(label.endswith("hPa per K over 1 million km²") for label in labels)
    check = figure.axes[-1]
    assert check.get_xlabel() == "predicted change"
    points = check.collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 0], [0.5, -1.0, 1.0])  # each kind by the largest of its own
    np.testing.assert_allclose(points[:, 1], 1.1 * points[:, 0])
    out = plot_explanation(explanation, tmp_path / "explained.png", caption=caption(synthetic), place="London")
    with Image.open(out) as picture:
        assert picture.size[0] == 1650


def test_of_a_single_channel_distances_are_shown(explanation, synthetic):
    single = explanation.isel(channel=[0])
    figure = explanation_figure(single, caption=caption(synthetic), place="London")
    (bars,) = [axes for axes in figure.axes if axes.get_title(loc="left") == "Distance from the place, km"]
    assert [label.get_text() for label in bars.get_yticklabels()] == [
        "to 500",
        "to 1000",
        "to 2000",
        "to 4000",
        "beyond",
    ]


def test_what_is_undefined_is_left_out(explanation, synthetic):
    shares = [name for name in explanation if "share" in str(name)]
    bare = explanation.assign({name: explanation[name] * np.nan for name in shares})
    changes = [name for name in explanation if str(name).endswith("_change")]
    bare = bare.assign({name: explanation[name] * 0 for name in changes})
    assert explanation_figure(bare, caption=caption(synthetic), place="London").axes


def test_channels_are_ranked_by_what_is_defined(explanation, synthetic):
    channels = explanation["channel"].values
    spread = explanation["spread_share_of_channel"].copy(data=np.linspace(0.1, 0.9, channels.size))
    of_spread = explanation.assign(
        mean_share_of_channel=explanation["mean_share_of_channel"] * np.nan, spread_share_of_channel=spread
    )
    figure = explanation_figure(of_spread, caption=caption(synthetic), place="London")
    drawn = [words for text in figure.texts if (words := text.get_text()).endswith("change of the spread")]
    assert drawn[0] == f"{title_of(channels[-1])}: change of the spread"
