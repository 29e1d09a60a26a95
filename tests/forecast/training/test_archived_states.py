"""Archived states are read on access and are indexed like a tensor."""

from dataclasses import dataclass, field

import torch

from forecast.states.standardiser import Standardiser
from forecast.training.archived_states import ArchivedStates


@dataclass(frozen=True)
class Counting(Standardiser):
    """Records the times that it was given."""

    read: list[int] = field(default_factory=list)

    def to_tensor(self, analysis):
        self.read.extend(analysis["time"].values.tolist())
        return super().to_tensor(analysis)


def test_they_are_indexed_like_the_states_in_memory(analysis, checkpoint):
    kept = checkpoint.standardiser.to_tensor(analysis)
    archived = ArchivedStates(analysis.chunk(time=7), checkpoint.standardiser)
    indices = torch.tensor([[3, 4, 5], [5, 6, 7], [100, 3, 399]])
    assert torch.equal(archived[indices], kept[indices])


def test_each_is_read_once(analysis, checkpoint):
    known = checkpoint.standardiser
    counting = Counting(known.channels, known.climatology, known.std)
    archived = ArchivedStates(analysis.chunk(time=7), counting)
    assert archived[torch.tensor([[7, 8, 9], [8, 9, 10]])].shape == (2, 3, 3, 8, 16)
    assert len(counting.read) == 4
