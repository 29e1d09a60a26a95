import numpy as np
import pytest
import torch

from forecast.members import rollout
from forecast.members.ensemble import MemberRequest, forecast_members


def test_members_are_computed_in_full_float32(system, analysis, checkpoint, monkeypatch):
    operations = [torch.backends.cudnn.conv, torch.backends.mkldnn.conv]
    operations += [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul]
    real, seen = rollout.advance, []
    before = [operation.fp32_precision for operation in operations]

    def watched(*given, **named):
        seen.append([operation.fp32_precision for operation in operations])
        return real(*given, **named)

    def failing(*given, **named):
        raise RuntimeError("a fault")

    def forecast():
        list(
            forecast_members(
                checkpoint, system, analysis, MemberRequest(np.datetime64("2001-06-01"), [0], 1), batch_size=1
            )
        )

    monkeypatch.setattr(rollout, "advance", watched)
    forecast()
    assert seen == [["ieee"] * 4]
    monkeypatch.setattr(rollout, "advance", failing)
    with pytest.raises(RuntimeError, match="a fault"):
        forecast()
    assert [operation.fp32_precision for operation in operations] == before
