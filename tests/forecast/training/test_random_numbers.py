"""Random numbers of training depend on the sample, and on nothing else."""

import torch

from forecast.training.random_numbers import RandomNumbers


def numbers_of(places, iteration=5, batch_size=8):
    return RandomNumbers(1, 0, iteration, places, batch_size)


def test_a_sample_has_the_same_numbers_in_any_company():
    whole = numbers_of(range(8))
    first, second = whole.normal(2, 3), whole.normal(2, 3)
    part = numbers_of([6, 7])
    torch.testing.assert_close(part.normal(2, 3), first[6:], rtol=0, atol=0)
    torch.testing.assert_close(part.normal(2, 3), second[6:], rtol=0, atol=0)


def test_numbers_of_samples_calls_and_iterations_are_independent():
    one, other = numbers_of(range(8)), numbers_of(range(8), iteration=6)
    streams = [one.normal(4000), one.normal(4000), other.normal(4000)]
    together = torch.cat(streams)
    correlation = torch.corrcoef(together) - torch.eye(24)
    assert correlation.abs().max() < 0.08
    assert abs(float(together.std()) - 1) < 0.01


def test_what_is_drawn_for_the_batch_is_shared_out():
    def shuffle(count, generator):
        return torch.randperm(count, generator=generator)

    whole = numbers_of(range(8)).of_batch(shuffle)
    parts = [numbers_of([2 * rank, 2 * rank + 1]).of_batch(shuffle) for rank in range(4)]
    torch.testing.assert_close(torch.cat(parts), whole)
    assert sorted(whole.tolist()) == list(range(8))
