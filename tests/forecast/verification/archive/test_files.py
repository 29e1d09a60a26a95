"""Blocks of sums in files: they come back as they were, in the order of their parts."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.verification.archive.files import NAME, Block, all_files, files_of, next_name, read_block
from forecast.verification.evaluation import AXES


@pytest.fixture
def block() -> Block:
    coords = {
        "channel": ["msl", "z500"],
        "lead_time": np.array([24, 36], "timedelta64[h]").astype("timedelta64[ns]"),
        "region": ["global"],
        "statistic": ["weight", "crps"],
    }
    sums = xr.DataArray(np.arange(8.0).reshape(2, 2, 1, 2), dims=AXES, coords=coords)
    return Block.of(sums.transpose(*reversed(AXES)), {"members": "9"})


def test_a_block_comes_back_from_its_file(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "plumecast.npz"
    path.write_bytes(block.encoded())
    stored = read_block(path)
    np.testing.assert_array_equal(stored.values, block.values)
    assert stored.labels == (("msl", "z500"), (86_400, 129_600), ("global",), ("weight", "crps"))
    assert stored.about == {"members": "9"}


def test_sums_are_selected_by_their_labels(block: Block) -> None:
    np.testing.assert_array_equal(block.selected([["z500"], [129_600, 86_400], ["global"], ["crps"]]).ravel(), [7, 5])


def test_a_file_with_other_axes_is_refused(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "plumecast.npz"
    path.write_bytes(Block(block.values[:1], block.labels, {}).encoded())
    with pytest.raises(InvalidDataError, match=r"plumecast\.npz: expected scores of a cycle, found \(1, 2, 1, 2\)"):
        read_block(path)
    with pytest.raises(InvalidDataError, match=r"absent\.npz: expected scores of a cycle"):
        read_block(tmp_path / "absent.npz")


def test_parts_are_numbered_and_ordered(block: Block, tmp_path: Path) -> None:
    cycle = tmp_path / "20080101T0000Z"
    cycle.mkdir()
    (cycle / ".linear.partial").touch()
    for _ in range(11):
        next_name(cycle, "plumecast@1a", files_of(cycle, "plumecast@1a")).write_bytes(block.encoded())
    (cycle / "linear.npz").write_bytes(block.encoded())
    names = ["plumecast@1a.npz", *(f"plumecast@1a+{part}.npz" for part in range(2, 12))]
    assert [path.name for path in files_of(cycle, "plumecast@1a")] == names
    assert files_of(cycle, "plumecast") == []
    found = list(all_files(tmp_path))
    assert [(name, path.name) for _, name, path in found[:2]] == [("linear", "linear.npz"), ("plumecast@1a", names[0])]
    assert {time for time, _, _ in found} == {np.datetime64("2008-01-01T00:00", "ns")}


@pytest.mark.parametrize(
    ("name", "allowed"), [("plumecast@1a2b", True), ("ens_v1.2-x", True), ("../x", False), ("a+2", False), ("", False)]
)
def test_names_of_forecasters_are_names_of_files(name: str, allowed: bool) -> None:
    assert (NAME.fullmatch(name) is not None) is allowed
