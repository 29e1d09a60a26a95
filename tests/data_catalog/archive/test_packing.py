"""Blocks are packed beside the archive, and a chunk that does not decode to its values is an error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.chunks import decode
from data_catalog.archive.contents import digests
from data_catalog.archive.packing import Place, pack, pack_piece, read_digests
from data_catalog.archive.pieces import pieces_of
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def _place(analysis: xr.Dataset, tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / ".unfinished", (4, *analysis["msl"].shape[1:]))


def test_a_piece_becomes_blocks_beside_the_archive(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(times=10)
    place = _place(analysis, tmp_path)
    (piece,) = pieces_of(analysis, ["msl", "t2m"], [np.arange(10)])
    packed = pack_piece(place, (3, piece))
    assert [len(one.block.times) for one in packed] == [4, 4, 2]
    assert [digest for one in packed for digest in one.block.digests] == read_digests(piece)
    last = packed[-1]
    for partial, path in last.moves.items():
        assert partial.parent == place.unfinished
        assert not path.exists()
        whole = decode(partial.read_bytes(), place.shape)
        np.testing.assert_array_equal(whole[:2], analysis[path.parent.name].values[8:])
        assert np.isnan(whole[2:]).all()
    assert {path.relative_to(tmp_path).as_posix() for path in last.moves.values()} == {"msl/c.5.0.0", "t2m/c.5.0.0"}
    again = pack_piece(place, (3, piece))  # as when a worker is lost
    assert [one.block for one in again] == [one.block for one in packed]
    assert not again[0].moves.keys() & packed[0].moves.keys()


def test_digests_do_not_depend_on_what_is_read_together(make_analysis: MakeAnalysis) -> None:
    fields = {name: make_analysis(times=6)[name].values for name in ("msl", "t2m")}
    single = [digests({name: field[[time]] for name, field in fields.items()})[0] for time in range(6)]
    assert digests(fields) == single
    assert len(set(single)) == 6


def test_a_chunk_is_decoded_again(make_analysis: MakeAnalysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = make_analysis(times=4)
    place, values = _place(analysis, tmp_path), analysis["msl"].values.astype("<f4")
    assert decode(pack(place, "msl", values), place.shape).tobytes() == values.tobytes()
    monkeypatch.setattr("data_catalog.archive.packing.decode", lambda content, shape: np.nextafter(values, np.inf))
    with pytest.raises(InvalidDataError, match="msl: expected a chunk to decode to the values it was made from"):
        pack(place, "msl", values)
