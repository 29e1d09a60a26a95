"""A mean network as an anchor is frozen, in evaluation mode, and asked for its expected state."""

import torch
from torch import nn

from forecast.anchors.network import MeanAnchor


class Halving(nn.Module):
    """Predicts half the latest state, with dropout in training mode."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))
        self.dropout = nn.Dropout(0.9)

    def expected_state(self, past, scalars):
        return self.dropout(past[:, -1] * self.factor)


def test_it_predicts_the_expected_state_of_its_network():
    past = torch.randn(3, 2, 1, 4, 5)
    anchor = MeanAnchor(Halving())
    torch.testing.assert_close(anchor(past, torch.zeros(3, 7)), past[:, -1] / 2)


def test_its_network_is_not_trained():
    anchor = MeanAnchor(Halving())
    assert not any(parameter.requires_grad for parameter in anchor.parameters())
    nn.Sequential(anchor).train()
    assert not any(module.training for module in anchor.modules())


def test_its_weights_are_part_of_the_checkpoint():
    assert list(MeanAnchor(Halving()).state_dict()) == ["model.factor"]
