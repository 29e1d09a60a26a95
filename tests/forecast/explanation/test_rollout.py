import torch

from forecast.explanation.rollout import differentiable_rollout
from forecast.members.rollout import rollout
from tests.forecast.explanation.conftest import INIT


def noise_of(past):
    def noise(lead_step, draw):
        generator = torch.Generator().manual_seed(100 * lead_step + draw)
        return torch.randn(len(past), *past.shape[2:], generator=generator)

    return noise


def test_it_makes_the_members_of_the_forecast(checkpoint, system):
    past = torch.randn(2, 2, 3, 8, 16)
    noise, steps = noise_of(past), range(1, 4)
    made = list(rollout(checkpoint, system.sampler, past, INIT, steps, noise))
    past.requires_grad_()
    again = list(differentiable_rollout(checkpoint, system.sampler, past, INIT, steps, noise))
    for state, pasts in zip(made, again, strict=True):
        torch.testing.assert_close(pasts[:, -1].detach(), state, rtol=0, atol=1e-6)
    assert again[-1].requires_grad


def test_the_anchor_can_be_changed(linear, ensemble_of):
    model, *_ = linear
    ensemble = ensemble_of(model)
    past = ensemble.past_of((0, 1))
    change = torch.zeros(2, 3, 8, 16)
    change[:, 0, 4, 4] = 0.5
    (plain,) = ensemble.rollout((0, 1), past, range(1, 2))
    (changed,) = ensemble.rollout((0, 1), past, range(1, 2), anchor_changes={1: change})
    torch.testing.assert_close(changed[:, -1, 0] - plain[:, -1, 0], change[:, 0])
    assert not model.anchor._forward_hooks
