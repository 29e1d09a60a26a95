import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files.explanation import write_explanation


def test_the_file_is_cf_and_holds_what_was_explained(explanation, synthetic, complaints, tmp_path):
    out = write_explanation(explanation, tmp_path / "explained.nc", synthetic.ATTRIBUTES)
    found, checks = complaints(out)
    assert found == []
    assert checks > 10
    assert list(tmp_path.iterdir()) == [out]
    with xr.open_dataset(out, engine="netcdf4") as stored:
        for name in ("mean_to_t2m", "noise_variance", "total_share", "predicted_mean_change", "mean_share_of_ring"):
            np.testing.assert_allclose(stored[name].values, explanation[name].values, rtol=1e-6)
        assert stored["mean_to_t2m"].attrs["units"] == "Pa (K)-1"
        assert stored["channel"].values.tolist() == ["msl", "t2m"]
        assert (stored["input_time"].values == explanation["input_time"].values).all()
        assert stored.attrs["plumecast_outcome_channel"] == "msl"
        assert stored.attrs["plumecast_model_id"] == "ab" * 32


def test_shares_that_are_not_defined_are_missing(explanation, synthetic, tmp_path):
    without = explanation.assign(total_share=explanation["total_share"] * np.nan)
    out = write_explanation(without, tmp_path / "explained.nc", synthetic.ATTRIBUTES)
    with xr.open_dataset(out, engine="netcdf4") as stored:
        assert stored["total_share"].isnull().all()


def test_what_cannot_be_written_leaves_no_file(explanation, synthetic, tmp_path):
    broken = explanation.assign(mean_to_msl=explanation["mean_to_msl"] * np.nan)
    with pytest.raises(InvalidDataError, match="mean_to_msl: expected finite values"):
        write_explanation(broken, tmp_path / "explained.nc", synthetic.ATTRIBUTES)
    with pytest.raises(ConfigurationError, match="'source'"):
        write_explanation(explanation, tmp_path / "explained.nc", {**synthetic.ATTRIBUTES, "source": ""})
    assert list(tmp_path.iterdir()) == []
