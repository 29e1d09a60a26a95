"""What a source says of preliminary times."""

import numpy as np

from data_catalog.sources.releases import preliminary_of, with_preliminary
from tests.data_catalog.conftest import MakeAnalysis


def test_preliminary_times_travel_with_the_analysis(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()
    assert preliminary_of(analysis) is None
    times = analysis["time"].values[-2:]
    found = preliminary_of(with_preliminary(analysis, times))
    assert found is not None
    np.testing.assert_array_equal(found, times)
    none = preliminary_of(with_preliminary(analysis, times[:0]))
    assert none is not None
    assert none.size == 0
