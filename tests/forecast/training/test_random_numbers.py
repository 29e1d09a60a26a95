"""Random numbers of training depend on the sample, and on nothing else."""

import torch

from forecast.training.random_numbers import Draws


def draws(places, iteration=5, batch_size=8):
    return Draws(1, 0, iteration, places, batch_size)


def test_a_sample_has_the_same_numbers_in_any_company():
    whole = draws(range(8))
    first, second = whole.normal(2, 3), whole.normal(2, 3)
    part = draws([6, 7])
    torch.testing.assert_close(part.normal(2, 3), first[6:], rtol=0, atol=0)
    torch.testing.assert_close(part.normal(2, 3), second[6:], rtol=0, atol=0)


def test_numbers_of_samples_calls_and_iterations_are_independent():
    one, other = draws(range(8)), draws(range(8), iteration=6)
    streams = [one.normal(4000), one.normal(4000), other.normal(4000)]
    together = torch.cat(streams)
    correlation = torch.corrcoef(together) - torch.eye(24)
    assert correlation.abs().max() < 0.08
    assert abs(float(together.std()) - 1) < 0.01


def test_what_is_drawn_for_the_batch_is_shared_out():
    def shuffle(count, generator):
        return torch.randperm(count, generator=generator)

    whole = draws(range(8)).of_batch(shuffle)
    parts = [draws([2 * rank, 2 * rank + 1]).of_batch(shuffle) for rank in range(4)]
    torch.testing.assert_close(torch.cat(parts), whole)
    assert sorted(whole.tolist()) == list(range(8))
