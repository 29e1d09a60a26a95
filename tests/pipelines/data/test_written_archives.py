"""Where a command writes to an archive, and what an error names."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from pipelines.data.written_archives import written_archive
from pipelines.workspace.datasets import find_dataset
from pipelines.workspace.home import Home


def test_archives_on_disk_are_written_in_place(tmp_path: Path) -> None:
    home = Home(tmp_path)
    entry = find_dataset(home, "ncep-natlantic")
    with written_archive(home, entry, None) as written:
        assert written.path == tmp_path / "archives" / "ncep-natlantic.zarr"
    with written_archive(home, entry, str(tmp_path / "other.zarr")) as written:
        assert (written.path, written.place) == (tmp_path / "other.zarr", str(tmp_path / "other.zarr"))
    assert not list(tmp_path.iterdir())


def test_errors_name_the_archive_and_not_its_working_copy(tmp_path: Path, bucket: str) -> None:
    home, url = Home(tmp_path), f"{bucket}/a/tiny.zarr"
    entry = find_dataset(home, "ncep-natlantic")
    with pytest.raises(InvalidDataError) as raised, written_archive(home, entry, f"{url}/") as written:
        raise InvalidDataError(f"{written.path}/msl: expected values, found none")
    assert str(raised.value) == f"{url}/msl: expected values, found none"
    for place, expected in (("ftp://host/a", "a URL of s3, gs or az"), ("s3://me:secret@b/a", "credentials come from")):
        with pytest.raises(ConfigurationError, match=expected) as refused, written_archive(home, entry, place):
            pass
        assert "secret" not in str(refused.value)
