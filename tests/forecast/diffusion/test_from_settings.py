"""Training and sampling follow the system file, and added keys at their defaults change no identity."""

import itertools

import numpy as np
import pytest
import torch

from forecast.checkpoints.files import load_checkpoint
from forecast.diffusion.from_settings import denoising_loss, draw_sample, network_output, sampling_levels
from forecast.diffusion.time_distributions import stratified_chances
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.system.diffusion import Diffusion, Sampler
from forecast.system.names import CHURNED
from forecast.training.train import train

CHOICES = [
    {"path": "flow", "output": "velocity", "time_distribution": "logit-normal", "weight": "velocity"},
    {"path": "vp-cosine", "output": "eps", "time_distribution": "path-uniform", "weight": "min-snr"},
    {"path": "trig", "output": "v", "time_distribution": "log-uniform", "weight": "learned"},
    {"path": "vp-secant", "output": "x0", "time_distribution": "path-uniform", "adaptive": True},
    {"time_distribution": "rho-uniform", "weight": "learned", "adaptive": True},
]


def changed(system, **sections):
    return system.changed(**{name: getattr(system, name).changed(**values) for name, values in sections.items()})


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: " ".join(map(str, choice.values())))
def test_any_choice_trains_resumes_bit_for_bit_and_forecasts(choice, system, analysis, tmp_path):
    chosen = changed(system, diffusion=choice, training={"checkpoint_minutes": 1e-9, "micro_batch_size": 2})
    losses = [state.loss for state in train(chosen, analysis, tmp_path / "whole", iterations=3)]
    assert np.isfinite(losses).all()
    killed = train(chosen, analysis, tmp_path / "killed", iterations=3)
    next(killed)
    killed.close()
    for _ in train(chosen, analysis, tmp_path / "killed", iterations=3, resume=True):
        pass
    resumed = load_checkpoint(tmp_path / "killed")
    assert resumed.model_id == load_checkpoint(tmp_path / "whole").model_id
    first = analysis["time"].values[5]
    (block,) = forecast_members(resumed, chosen, analysis, MemberRequest(first, range(2), 1), batch_size=2)
    assert all(np.isfinite(values).all() for values in block.fields.values())


def test_loss_by_noise_level_is_in_the_training_record(checkpoint, system):
    watched = checkpoint.training.stages["denoising"].noise_levels
    assert list(watched.squared_error) == list(system.state.predictands)
    assert list(watched.sigma) == sorted(watched.sigma)
    assert list(watched.drawn) == sorted(watched.drawn)
    errors = np.array(list(watched.squared_error.values()))
    assert errors.shape == (3, len(watched.sigma))
    # With little noise almost nothing is left to guess; with much, about the variance of the residual is.
    assert (errors[:, 0] < 0.01).all()
    assert (errors[:, -1] > 0.2).all()


@pytest.mark.parametrize(
    "choice",
    [
        {"kind": "renoise", "sampling_steps": 2, "levels": (80.0, 0.8)},
        {"kind": "dpmpp-2m", "sampling_steps": 4, "schedule": "vp-secant"},
        {"kind": "dpmpp-2s", "sampling_steps": 3, "churn": 0.5},
        {"kind": "euler", "sampling_steps": 1},
    ],
    ids=lambda choice: choice["kind"],
)
def test_members_are_the_same_alone_with_any_sampler(choice, checkpoint, system, analysis):
    """Further draws depend on the member, too, and not on its batch."""
    chosen, start = changed(system, sampler=choice), analysis["time"].values[5]

    def z500(members, batch_size):
        blocks = forecast_members(checkpoint, chosen, analysis, MemberRequest(start, members, 2), batch_size=batch_size)
        return {block.lead_index: block.fields["z500"] for block in blocks}

    together, alone = z500(range(3), 3), z500([2], 1)
    for lead, values in alone.items():
        np.testing.assert_allclose(values[0], together[lead][2], atol=1e-4 * float(checkpoint.standardiser.std[0]))
    assert np.abs(together[1][0] - together[1][1]).max() > 1.0


def test_default_choices_reproduce_the_first_release():
    plain = Diffusion()
    chances = stratified_chances(64, torch.Generator().manual_seed(0))
    loss = denoising_loss(plain, channels=3)
    assert not loss.state_dict()
    expected = torch.exp(-1.2 + 1.2 * torch.special.ndtri(chances))
    torch.testing.assert_close(loss.levels(chances).sigma, expected, rtol=0, atol=0)
    sigma = torch.tensor([0.5])
    torch.testing.assert_close(loss.weight(sigma), (sigma**2 + 1) / sigma**2)
    clean_share, noise_share = network_output(plain)(sigma)
    torch.testing.assert_close(noise_share / clean_share, -1 / sigma)


def test_levels_take_the_place_of_a_schedule():
    assert sampling_levels(Sampler(levels=(40.0, 2.0, 0.3), sampling_steps=3)).tolist() == [40.0, 2.0, 0.3, 0.0]
    assert sampling_levels(Sampler(sampling_steps=1)).tolist() == pytest.approx([80.0, 0.0])
    assert sampling_levels(Sampler(schedule="trig"))[1] < sampling_levels(Sampler())[1]


def test_inflation_acts_on_all_noise_and_draws_count_up(exact):
    options = Sampler(kind="renoise", sampling_steps=2, levels=(80.0, 0.8), noise_inflation=1.5)
    drawn = []

    def noise(draw):
        drawn.append(draw)
        return exact.noise_quantiles(3)

    found = draw_sample(options, exact.standard.denoiser, noise)
    first = exact.standard.denoiser(1.5 * 80.0 * exact.noise_quantiles(3), torch.full((3,), 80.0))
    again = first + 1.5 * 0.8 * exact.noise_quantiles(3)
    torch.testing.assert_close(found, exact.standard.denoiser(again, torch.full((3,), 0.8, dtype=torch.float64)))
    assert drawn == [0, 1]


def test_the_network_output_is_part_of_the_identity(system, analysis, tmp_path):
    ids = []
    for name, values in {"edm": {}, "v": {"output": "v"}, "velocity": {"output": "velocity", "path": "flow"}}.items():
        for _ in train(changed(system, diffusion=values), analysis, tmp_path / name, iterations=1):
            pass
        ids.append(load_checkpoint(tmp_path / name).model_id)
    assert len(set(ids)) == 3


def test_names_are_complete(exact):
    """Every name in a section can be built and used."""
    noise = exact.noise_quantiles(3)
    for kind, schedule in itertools.product(
        Sampler.model_fields["kind"].annotation.__args__, Sampler.model_fields["schedule"].annotation.__args__
    ):
        options = Sampler(kind=kind, schedule=schedule, churn=0.2 if kind in CHURNED else 0.0)
        assert draw_sample(options, exact.standard.denoiser, lambda draw: noise).isfinite().all()
    fields = Diffusion.model_fields
    names = ("path", "output", "time_distribution", "weight")
    for values in itertools.product(*(fields[name].annotation.__args__ for name in names)):
        options = Diffusion(**dict(zip(names, values, strict=True)))
        loss = denoising_loss(options, channels=2)
        sigma = loss.levels(stratified_chances(8, torch.Generator().manual_seed(0))).sigma
        assert sigma.isfinite().all()
        assert loss.weight(sigma).isfinite().all()
        assert all(share.isfinite().all() for share in network_output(options)(sigma))
