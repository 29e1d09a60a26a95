"""Training on samples reflected at the equator."""

import pytest
import torch

from forecast.checkpoints.files import load_checkpoint
from forecast.model.step_model import StepModel
from forecast.states.mirror import mirror_signs, shift_half_a_year
from forecast.states.standardiser import grid_of
from forecast.training.random_numbers import RandomNumbers
from forecast.training.train import train

CHANNELS = ("z500", "u850", "v850")


@pytest.fixture
def windy(system):
    return system.changed(
        state=system.state.changed(predictands=CHANNELS),
        training=system.training.changed(mirrored=True, checkpoint_minutes=1e-9),
        finetuning=({"iterations": 3, "batch_size": 4, "lead_steps": 2},),
        sampler=system.sampler.changed(sampling_steps=1),
    )


@pytest.fixture
def winds(analysis):
    return analysis.rename(tp24="v850")


def turned(fields):
    """Reflect all fields; channels are the third dimension from the right."""
    return fields.flip(-2) * mirror_signs(CHANNELS)[:, None, None]


def unmirrored(system):
    return system.changed(training=system.training.changed(mirrored=False))


def test_reflected_samples_equal_reflected_weather(windy, analysis):
    """One model sees reflected samples; another, on a reflected earth, the reflected weather itself."""
    generator = torch.Generator().manual_seed(0)
    static = torch.randn(1, 8, 16, generator=generator)
    model = StepModel(windy, grid_of(analysis), static)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    elsewhere = StepModel(windy, grid_of(analysis), static.flip(-2))
    elsewhere.load_state_dict(model.state_dict() | {"static": static.flip(-2), "position": model.position.flip(-2)})
    past, anchor = torch.randn(2, 2, 3, 8, 16, generator=generator), torch.randn(2, 3, 8, 16, generator=generator)
    x, sigma, scalars = torch.randn(2, 3, 8, 16, generator=generator), torch.ones(2), torch.randn(2, 7)
    given, mixed = torch.tensor([True, True]), torch.tensor([False, True])
    found = model.residual_denoiser(past, anchor, scalars, given)(x, sigma)
    season = shift_half_a_year(scalars, given)
    expected = turned(elsewhere.residual_denoiser(turned(past), turned(anchor), season)(turned(x), sigma))
    torch.testing.assert_close(found, expected)
    plain = model.residual_denoiser(past, anchor, scalars)(x, sigma)
    assert not torch.allclose(plain, found, atol=1e-2)
    one_of_two = model.residual_denoiser(past, anchor, scalars, mixed)(x, sigma)
    torch.testing.assert_close(one_of_two, torch.stack([plain[0], found[1]]))


def test_half_of_the_samples_are_mirrored_on_any_number_of_processes():
    whole = RandomNumbers(0, 0, 5, range(64), 64).coins()
    assert 16 < int(whole.sum()) < 48
    parts = torch.cat([RandomNumbers(0, 0, 5, range(first, first + 16), 64).coins() for first in range(0, 64, 16)])
    assert torch.equal(whole, parts)


def test_mirrored_training_resumes_bit_for_bit_and_differs(windy, winds, tmp_path):
    for name, system in (("whole", windy), ("plain", unmirrored(windy))):
        for _ in train(system, winds, tmp_path / name):
            pass
    killed = train(windy, winds, tmp_path / "killed")
    for _ in range(8):
        next(killed)
    killed.close()
    for _ in train(windy, winds, tmp_path / "killed", resume=True):
        pass
    identity = {name: load_checkpoint(tmp_path / name).model_id for name in ("whole", "plain", "killed")}
    assert identity["killed"] == identity["whole"] != identity["plain"]


def test_symmetric_weather_is_learned_alike_on_both_sides(windy, winds, tmp_path):
    """After mirrored training, forecasts of the two hemispheres are more similar than after plain training."""

    def unlike(system, directory):
        for _ in train(system, winds, directory, iterations=60):
            pass
        model = load_checkpoint(directory).model
        model.position.zero_()
        model.get_buffer("static").zero_()
        generator = torch.Generator().manual_seed(1)
        past, x = torch.randn(8, 2, 3, 8, 16, generator=generator), torch.randn(8, 3, 8, 16, generator=generator)
        scalars, sigma = torch.zeros(8, 7), torch.ones(8)
        given = (past, model.anchor(past, scalars), scalars)
        straight, seen = (model.residual_denoiser(*given, each)(x, sigma) for each in (None, torch.ones(8).bool()))
        return float((straight - seen).square().mean() / straight.square().mean())

    training = windy.training.changed(checkpoint_minutes=3, learning_rate=3e-3)
    mirrored = windy.changed(finetuning=(), training=training)
    plain = unmirrored(mirrored)
    assert unlike(mirrored, tmp_path / "mirrored") < 0.8 * unlike(plain, tmp_path / "plain")
