"""Pieces of an analysis hold the values of their times, whatever the chunks of the source, also in another process."""

from collections.abc import Callable

import cloudpickle
import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.pieces import pieces_of
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_analysis

MakeAnalysis = Callable[..., xr.Dataset]
PARTS = [np.arange(0, 3), np.arange(3, 10), np.array([10, 12, 14]), np.array([19, 11])]


@pytest.mark.parametrize("chunks", [None, {"time": 1}, {"time": 7, "latitude": 2}, {"time": -1}])
def test_pieces_hold_their_times(make_analysis: MakeAnalysis, chunks: dict[str, int] | None) -> None:
    analysis = make_analysis(times=20)
    given = check_analysis(analysis if chunks is None else analysis.chunk(chunks))
    pieces = [cloudpickle.loads(cloudpickle.dumps(piece)) for piece in pieces_of(given, ["t2m", "msl"], PARTS)]
    assert len(pieces) == len(PARTS)
    for piece, part in zip(pieces, PARTS, strict=True):
        fields = piece.read()
        assert list(fields) == ["t2m", "msl"]
        assert piece.times == tuple(analysis["time"].values[part].astype("datetime64[s]").astype(str))
        for name, values in fields.items():
            assert values.dtype == np.dtype("<f4")
            np.testing.assert_array_equal(values, analysis[name].values[part])


def test_only_what_a_piece_needs_is_read(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=20)
    analysis["msl"][17, 0, 0] = np.nan
    pieces = list(pieces_of(check_analysis(analysis.chunk(time=2)), ["msl"], [np.arange(8), np.arange(8, 20)]))
    assert len(pieces[0].tasks) < len(pieces[1].tasks)
    assert pieces[0].read()["msl"].shape == (8, *analysis["msl"].shape[1:])
    with pytest.raises(InvalidDataError, match="msl at 2001-01-18"):
        pieces[1].read()
