"""A folder is the same on disk and in an object store."""

import threading
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from data_catalog.storage.folder import Content, Fingerprint, Folder
from data_catalog.storage.folders import folder_at


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "disk":
        return folder_at(tmp_path / "place")
    return folder_at(f"{request.getfixturevalue('bucket')}/some/prefix/")


def _read(folder: Folder, name: str) -> Content:
    content = folder.read(name)
    assert content is not None
    return content


def test_what_is_written_is_read(folder: Folder, tmp_path: Path) -> None:
    assert folder.read("a/b.json") is None
    assert folder.listing() == []
    source = tmp_path / "source.bin"
    source.write_bytes(b"of a file")
    folder.write("a/b.json", b"first")
    folder.write("a/b.json", b"second")
    folder.write("c/d.bin", source)
    folder.copy("c/d.bin", "c/e/f.bin")
    folder.write(".hidden", b"")
    assert _read(folder, "a/b.json").body == b"second"
    assert [(stored.name, stored.size) for stored in folder.listing()] == [
        ("a/b.json", 6),
        ("c/d.bin", 9),
        ("c/e/f.bin", 9),
    ]
    assert [stored.name for stored in folder.listing("c")] == ["c/d.bin", "c/e/f.bin"]
    folder.delete(["a/b.json", "c/d.bin", "never/there"])
    assert [stored.name for stored in folder.listing()] == ["c/e/f.bin"]


def test_large_files_are_read_block_by_block(folder: Folder, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 4096 * 17)  # 17 MiB, which goes to a store in parts
    folder.write("large.bin", large)
    expected = Fingerprint.of(large)
    assert folder.holds("large.bin", expected)
    assert folder.fetch("large.bin", tmp_path / "again.bin") == expected.sha256 == folder.fetch("large.bin")
    assert Fingerprint.of(tmp_path / "again.bin") == expected
    assert folder.fetch("absent.bin") is None


def test_holds_tells_other_contents(folder: Folder) -> None:
    folder.write("a", b"right")
    assert folder.holds("a", Fingerprint.of(b"right"))
    assert not folder.holds("a", Fingerprint.of(b"wrong"))
    assert not folder.holds("a", Fingerprint.of(b"longer than that"))
    assert not folder.holds("b", Fingerprint.of(b"right"))


def test_create_never_replaces(folder: Folder) -> None:
    assert folder.create("a", b"first")
    assert folder.create("a", b"first"), "an answer that was lost is no reason to fail"
    assert not folder.create("a", b"second")
    assert _read(folder, "a").body == b"first"


def test_replace_only_what_was_read(folder: Folder) -> None:
    folder.write("a", b"first")
    before = _read(folder, "a")
    assert folder.replace("a", b"second", before.version)
    assert not folder.replace("a", b"third", before.version)
    assert folder.replace("a", b"second", before.version), "an answer that was lost is no reason to fail"
    assert _read(folder, "a").body == b"second"
    folder.delete(["a"])
    assert not folder.replace("a", b"third", before.version)
    assert folder.put("a", b"fourth", None)
    assert folder.put("a", b"fifth", _read(folder, "a"))


def test_of_several_writers_one_succeeds(folder: Folder) -> None:
    folder.write("counted", b"0")
    before, won = _read(folder, "counted"), []

    def race(number: int) -> None:
        if folder.create("created", f"by {number}".encode()):
            won.append("created")
        if folder.replace("counted", f"by {number}".encode(), before.version):
            won.append("counted")

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == ["counted", "created"]


def test_other_urls_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="ftp://a/b: expected a path or a URL"):
        folder_at("ftp://a/b")
