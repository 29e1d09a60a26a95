import numpy as np
import pytest

from data_catalog.errors import MissingDataError
from forecast.products.plots import geography
from forecast.products.plots.geography import map_frame, natural_earth


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


def test_vectors_change_sign_across_a_pole(synthetic):
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
