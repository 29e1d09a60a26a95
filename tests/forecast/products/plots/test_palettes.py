import numpy as np
import pytest

from forecast.products.plots.palettes import PATHS, palette


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
