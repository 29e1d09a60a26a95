"""What an archive holds."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from data_catalog.archive.contents import digests, header_of
from data_catalog.catalog import DatasetEntry

MakeAnalysis = Callable[..., xr.Dataset]


def test_a_header_names_grid_channels_and_licence(entry: DatasetEntry, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    header = header_of(entry, analysis, {"lsm": analysis["lsm"].values})
    assert (header.dataset, header.channels, list(header.static)) == ("tiny", ("msl", "t2m"), ["lsm"])
    assert header.latitude.tolist() == analysis["latitude"].values.tolist()
    assert header.attributes["license"] == "none"
    assert header.field_attributes["msl"]["units"] == "Pa"


def test_a_digest_changes_with_any_value_of_its_time_alone() -> None:
    fields = {"msl": np.zeros((3, 2, 2), np.float32), "t2m": np.ones((3, 2, 2), np.float32)}
    before = digests(fields)
    fields["t2m"][1, 0, 0] = 2
    after = digests(fields)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
