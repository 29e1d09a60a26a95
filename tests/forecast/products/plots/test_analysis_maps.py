import numpy as np
import pytest
import xarray as xr
from PIL import Image

from forecast.products.plots.analysis_maps import plot_analysis_map

LATITUDE, LONGITUDE = np.linspace(30, 55, 11), np.linspace(-15, 15, 13)


def field(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(
        values, dims=("latitude", "longitude"), coords={"latitude": LATITUDE, "longitude": LONGITUDE}, name="t850"
    )


@pytest.mark.parametrize("gap", [False, True])
def test_a_field_is_drawn_also_with_gaps(tmp_path, gap):
    values = 280 - 0.5 * (LATITUDE[:, None] - 40) + 0 * LONGITUDE
    if gap:
        values[:3, :3] = np.nan
    with Image.open(plot_analysis_map(field(values), tmp_path / "map.png")) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[1] > 700
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_fields_side_by_side_share_their_colours(tmp_path):
    cold, warm = (field(np.full((11, 13), value) + np.arange(13)) for value in (250.0, 280.0))
    alone = plot_analysis_map(cold, tmp_path / "alone.png").read_bytes()
    assert plot_analysis_map(cold, tmp_path / "beside.png", beside=[warm]).read_bytes() != alone
