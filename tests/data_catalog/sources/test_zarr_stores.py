"""Zarr groups, whose chunks must all exist."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]
CHANNELS, STATIC = ("msl", "t2m"), ("lsm",)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_a_zarr_group_is_read_lazily(make_analysis: MakeAnalysis, tmp_path: Path, zarr_format: int) -> None:
    analysis = make_analysis()
    analysis.chunk({"time": 6}).to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, consolidated=zarr_format == 2)
    (tmp_path / "a.zarr" / "note.json").write_text("{}")
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    xr.testing.assert_identical(found.compute(), analysis)


def test_an_absent_zarr_chunk_is_an_error_and_not_nan(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    make_analysis().chunk({"time": 5}).to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "a.zarr" / "t2m" / "c" / "2" / "0" / "0").unlink()
    found = open_analysis(tmp_path / "a.zarr", CHANNELS, STATIC)
    assert np.isfinite(found["msl"].values).all()
    with pytest.raises(InvalidDataError, match=r"a\.zarr: t2m at 2001-01-.* no chunk t2m/c/2/0/0"):
        found["t2m"].compute()
