import numpy as np

from forecast.products.ensemble.explanation import distances_km, place_of
from forecast.products.page.explanation_words import explanation_words


def test_words_say_what_the_figures_say(explanation):
    words = explanation_words(explanation, "London")
    assert words.startswith("Mean sea level pressure at London, day 2: mean 1013.0 hPa, spread 1.00 hPa (3 members).")
    share = float(explanation["mean_share_of_channel"][0])
    assert f"The mean hangs most on the initial mean sea level pressure ({share:.0%}) and 2 m temperature" in words
    away = float(distances_km(explanation, place_of(explanation))[11, 30])
    assert f"on the weather {round(away / 50) * 50} km to the south-west" in words
    assert "The noise of day 2 takes part in 70% (± 10%) of the variance" in words
    assert "bring 70% of it linearly" in words
    assert "changed as the maps predict (correlation 0.999 and 0.998)" in words


def test_a_failed_check_is_said(explanation):
    failed = explanation.assign_attrs(check_correlation_spread=0.4)
    assert "not as the maps predict, so do not rely on them (correlation 0.999 and 0.400)" in explanation_words(
        failed, "A"
    )


def test_what_is_undefined_is_said(explanation):
    shares = [name for name in explanation if "share" in str(name)]
    bare = explanation.assign({name: explanation[name] * np.nan for name in shares})
    words = explanation_words(bare.assign_attrs(check_correlation_mean=np.nan), "A")
    assert "The spread does not hang on the initial state." in words
    assert "All members are the same." in words
    assert "The check could not be made" in words


def test_the_only_channel_has_no_share(explanation):
    words = explanation_words(explanation.isel(channel=[0]), "London")
    assert "The mean hangs most on the initial mean sea level pressure, and on the weather" in words
