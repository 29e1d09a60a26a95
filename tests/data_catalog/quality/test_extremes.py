"""Values against their climatology."""

import numpy as np

from data_catalog.quality.extremes import extremes


def test_each_measure_sees_its_own(make_fields) -> None:
    anomalies = np.random.default_rng(0).standard_normal((6, 8, 10)).astype(np.float32)
    anomalies[1, 3, 4] = 30
    anomalies[2] += 3
    anomalies[3] *= 9
    anomalies[4] = 0
    found = extremes(anomalies, make_fields(msl=anomalies))
    assert {kind: int(one.values.argmax()) for kind, one in found.items()} == {
        "point": 3 if np.abs(anomalies[3]).max() > 30 else 1, "mean": 2, "size": 3, "quiet": 4,
    }  # fmt: skip
    assert found["point"].values[1] == 30
