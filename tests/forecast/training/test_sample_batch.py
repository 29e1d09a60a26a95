"""A batch moves between devices and memories as one."""

from dataclasses import replace

import pytest
import torch

from forecast.training.sample_batch import SampleBatch


@pytest.fixture
def batch():
    return SampleBatch(
        past=torch.zeros(2, 2, 3, 4, 5),
        following=torch.zeros(2, 1, 3, 4, 5),
        scalars=torch.zeros(2, 1, 7),
        years=torch.tensor([2001, 2002]),
        lower_bounds=torch.zeros(2, 1, 3, 4, 5),
    )


@pytest.mark.parametrize("bounded", [True, False])
def test_all_that_the_model_computes_with_moves(batch, bounded):
    moved = (batch if bounded else replace(batch, lower_bounds=None)).to("meta")
    for name in ("past", "following", "scalars", *(["lower_bounds"] if bounded else [])):
        assert getattr(moved, name).is_meta, name
        assert getattr(moved, name).shape == getattr(batch, name).shape
    assert moved.years.tolist() == [2001, 2002]
    assert (moved.lower_bounds is None) == (not bounded)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory needs CUDA")
def test_it_can_be_pinned(batch):
    pinned = batch.pinned()
    moving = (pinned.past, pinned.following, pinned.scalars, pinned.lower_bounds)
    assert all(tensor.is_pinned() for tensor in moving)
