"""Small archives."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

MakeAnalysis = Callable[..., xr.Dataset]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.contents.times_per_block", lambda points: 8)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "tiny.zarr"
