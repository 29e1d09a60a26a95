"""The figure of the loss by noise level shows the record."""

import numpy as np
import pytest
from PIL import Image

from forecast.products.plots.noise_levels import kept_apart, plot_noise_levels, relative_errors

SIGMA = [0.02, 0.3, 2.0, 20.0]
RECORD = {
    "sigma": SIGMA,
    "squared_error": {
        "z500": [sigma**2 / (1 + sigma**2) for sigma in SIGMA],
        "t2m": [0.5 * sigma**2 / (1 + sigma**2) for sigma in SIGMA],
    },
    "drawn": [0.02, 0.13, 0.3, 0.68, 4.9],
}


def test_a_denoiser_that_knows_the_variance_only_has_one():
    errors = relative_errors(RECORD)
    np.testing.assert_allclose(errors["z500"], 1.0)
    np.testing.assert_allclose(errors["t2m"], 0.5)


@pytest.mark.parametrize("channels", [("z500",), ("z500", "t2m")])
def test_picture(channels, tmp_path):
    record = RECORD | {"squared_error": {name: RECORD["squared_error"][name] for name in channels}}
    out = plot_noise_levels(record, tmp_path / "x.png", origin="Tests", simulated=len(channels) > 1)
    with Image.open(out) as picture:
        assert min(picture.size) > 300
        assert len(picture.getcolors(256)) > 20
    again = plot_noise_levels(record, tmp_path / "y.png", origin="Tests", simulated=len(channels) > 1)
    assert out.read_bytes() == again.read_bytes()


def test_names_keep_apart_and_in_order():
    placed = kept_apart({"a": 0.30, "b": 0.31, "c": 0.32, "d": 0.90}, top=1.0)
    heights = [placed[name] for name in "abcd"]
    assert (np.diff(heights) >= 0.04).all()
    assert heights[-1] == pytest.approx(0.9)
