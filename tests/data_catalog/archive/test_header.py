"""The header is the ledger's first line; members are in it only where there are some."""

from dataclasses import replace

import numpy as np

from data_catalog.archive.header import Header

SINGLE = Header(
    "tiny", ("msl", "t2m"), {"lsm": "00"}, np.array([-30.0, 30.0]), np.array([0.0, 90.0, 180.0]), 8,
    {"title": "Tiny"}, {"msl": {"units": "Pa"}, "t2m": {"units": "K"}, "lsm": {"units": "1"}},
)  # fmt: skip


def test_shapes_follow_the_members() -> None:
    ensemble = replace(SINGLE, members=(0, 3, 7, 9))
    assert (SINGLE.dims, SINGLE.field_shape) == (("time", "latitude", "longitude"), (2, 3))
    assert SINGLE.chunk_shape == (8, 2, 3)
    assert (ensemble.dims[1], ensemble.field_shape, ensemble.chunk_shape) == ("member", (4, 2, 3), (8, 4, 2, 3))


def test_a_header_comes_back_from_its_record() -> None:
    for header in (SINGLE, replace(SINGLE, members=(0, 3))):
        record = header.as_record()
        assert ("members" in record) == bool(header.members)
        found = Header.from_record(record)
        assert found.as_record() == record
        assert found.members == header.members
