"""Whether values are there."""

import numpy as np

from data_catalog.quality.completeness import completeness


def test_what_is_lost_is_a_share(make_fields) -> None:
    values = np.ones((3, 4, 5))
    values[1, 0, :2] = np.nan
    values[2] = np.nan
    missing = np.zeros((4, 5), bool)
    missing[0, 0] = True
    lost = completeness("sst", make_fields(sst=values), missing)["lost"]
    np.testing.assert_allclose(lost.values, [0, 0.05, 1])
    assert lost.limit is not None
