"""Objects are addressed and read as files are."""

import pickle
from pathlib import Path

import pytest

from data_catalog.storage.object_folder import ObjectFolder
from data_catalog.storage.object_path import ObjectPath, in_object_storage, object_path


def test_addresses() -> None:
    archive = object_path("s3://bucket/archives/tiny.zarr/")
    assert archive == ObjectPath("s3://bucket/archives/tiny.zarr")
    assert str(archive / "t2m" / "c.0.0.0") == "s3://bucket/archives/tiny.zarr/t2m/c.0.0.0"
    assert archive.stem == "tiny"
    assert object_path(Path("archives/tiny.zarr")) == Path("archives/tiny.zarr")
    assert pickle.loads(pickle.dumps(archive / "a")) == archive / "a"


def test_what_is_in_object_storage() -> None:
    assert all(map(in_object_storage, ["s3://bucket/a", "gs://bucket", "az://container/a"]))
    assert not any(map(in_object_storage, ["http://host/a", "s3/bucket", "s3", "file:///a", Path("s3://bucket")]))


def test_objects_are_read(bucket: str) -> None:
    ObjectFolder(bucket).write("a/b", b"content")
    place = object_path(bucket) / "a"
    assert isinstance(place, ObjectPath)
    assert (place / "b").read_bytes() == b"content"
    assert (place / "b").is_file()
    assert not (place / "c").is_file()
    assert place.sizes() == {"a/b": 7}
    with pytest.raises(FileNotFoundError, match="a/c"):
        (place / "c").read_bytes()
