"""The climatology beside an archive, and whether it is of the values that the archive holds."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.climatology import climatology_path, make_climatology, open_climatology
from data_catalog.archive.climatology_writing import ClimatologySettings
from data_catalog.archive.ingest import ingest
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError, MissingDataError
from tests.data_catalog.conftest import MakeAnalysis


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> xr.Dataset:
    return make_analysis(times=400)


def test_it_is_made_once_and_opened_beside_the_archive(
    entry: DatasetEntry, analysis: xr.Dataset, archive: Path
) -> None:
    ingest(entry, analysis, archive)
    path = make_climatology(archive, ClimatologySettings(quantiles=(0.5,)))
    assert path == climatology_path(archive) == archive.with_name("tiny.climatology.zarr")
    found = open_climatology(archive)
    assert set(found) == {f"{name}{kind}" for name in ("msl", "t2m") for kind in ("", "_std", "_quantile")}
    assert found["msl"].dims == ("hour", "dayofyear", "latitude", "longitude")
    assert found["msl"].chunks is not None
    assert found["t2m"].attrs["units"] == "K"
    assert found.attrs["first_time"] == "2001-01-01T00:00"
    np.testing.assert_allclose(found["msl"].mean(), analysis["msl"].mean(), rtol=1e-3)
    before = (path / "zarr.json").stat().st_mtime_ns
    make_climatology(archive, ClimatologySettings(quantiles=(0.5,)))
    assert (path / "zarr.json").stat().st_mtime_ns == before
    make_climatology(archive, ClimatologySettings(quantiles=(0.1, 0.5)))
    assert open_climatology(archive).sizes["quantile"] == 2
    assert sorted(one.name for one in archive.parent.glob("*climatology*")) == [path.name, f"{path.name}.lock"]


def test_a_growing_archive_keeps_the_climatology_of_its_period(
    entry: DatasetEntry, analysis: xr.Dataset, archive: Path
) -> None:
    ingest(entry, analysis.isel(time=slice(380)), archive)
    make_climatology(archive, ClimatologySettings(quantiles=()))
    first = open_climatology(archive)
    assert set(first) == {"msl", "msl_std", "t2m", "t2m_std"}
    ingest(entry, analysis, archive)
    xr.testing.assert_identical(open_climatology(archive).compute(), first.compute())
    make_climatology(archive, ClimatologySettings(quantiles=()))
    assert open_climatology(archive).attrs["times"] == 400


def test_corrected_values_and_filled_holes_make_it_stale(
    entry: DatasetEntry, analysis: xr.Dataset, archive: Path
) -> None:
    ingest(entry, analysis.isel(time=np.delete(np.arange(400), 100)), archive)
    make_climatology(archive, ClimatologySettings(quantiles=()))
    ingest(entry, analysis, archive)
    remake = "'plumecast climatology tiny --start 2001-01-01 --end 2002-02-04' makes it anew"
    with pytest.raises(InvalidDataError, match=f"found one of values before .*; {remake}"):
        open_climatology(archive)
    make_climatology(archive, ClimatologySettings(quantiles=()))
    open_climatology(archive)
    corrected = analysis.copy(deep=True)
    corrected["msl"].values[7] += 1.0
    ingest(entry, corrected, archive, replace=True)
    with pytest.raises(InvalidDataError, match="expected a climatology of the values in the archive"):
        open_climatology(archive)


def test_nothing_to_open_is_said(entry: DatasetEntry, analysis: xr.Dataset, archive: Path) -> None:
    with pytest.raises(MissingDataError):
        open_climatology(archive)
    ingest(entry, analysis.isel(time=slice(50)), archive)
    with pytest.raises(MissingDataError, match="found none; 'plumecast climatology tiny' makes it"):
        open_climatology(archive)
    with pytest.raises(InvalidDataError, match="within 30 days of each day of the year"):
        make_climatology(archive)
    assert not climatology_path(archive).exists()


def test_ensembles_of_analyses_are_refused(
    entry: DatasetEntry, analysis: xr.Dataset, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(entry, analysis, archive)
    monkeypatch.setattr("data_catalog.archive.climatology.open_archive", lambda _: analysis.expand_dims(member=3))
    with pytest.raises(InvalidDataError, match="expected single analyses, found ensembles of 3"):
        make_climatology(archive)
