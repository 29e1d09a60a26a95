"""Samples from memory and from the archive are the same, in the same order."""

from datetime import date

import numpy as np
import pytest
import torch

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.variables import channel
from forecast.training.archived_states import ArchivedStates
from forecast.training.samples import JoinedSamples, make_samples, shuffled
from forecast.training.train import train


@pytest.fixture(scope="module")
def archive(analysis, tmp_path_factory):
    entry = DatasetEntry(
        name="tiny",
        title="Waves",
        source="files",
        channels=("z500", "u850", "tp24"),
        static=("orography",),
        step_hours=24,
        period_start=date(2001, 1, 1),
        licence="none",
        description="For tests.",
    )
    path = tmp_path_factory.mktemp("archive") / "tiny.zarr"
    with_units = {name: field.assign_attrs(channel(name).attributes) for name, field in analysis.items()}
    ingest(entry, analysis.assign(with_units), path)
    return path


@pytest.fixture
def from_archive(system):
    return system.changed(training=system.training.changed(loader="archive", read_ahead=2, micro_batch_size=2))


def test_batches_from_the_archive_are_those_in_memory(archive, analysis, system, checkpoint):
    arguments = (checkpoint.standardiser, system)
    kept = make_samples(analysis, *arguments, lead_steps=3)
    read = make_samples(open_archive(archive), *arguments, lead_steps=3, loader="archive")
    assert isinstance(read.states, ArchivedStates)
    choices = [shuffled(len(kept), 4, iteration, seed=1) for iteration in range(20)]
    for one, other in zip(kept.stream(choices, 2), read.stream(choices, 2), strict=True):
        assert one.following.shape[1] == 2
        for part in ("past", "following", "scalars"):
            torch.testing.assert_close(getattr(other, part), getattr(one, part), rtol=0, atol=0)


def test_training_from_the_archive_is_training_from_memory(archive, analysis, from_archive, tmp_path):
    in_memory = from_archive.changed(training=from_archive.training.changed(loader="memory"))
    kept = [state.loss for state in train(in_memory, analysis, tmp_path / "memory")]
    read = [state.loss for state in train(from_archive, open_archive(archive), tmp_path / "archive")]
    np.testing.assert_allclose(read, kept, rtol=1e-5)


def test_a_damaged_chunk_stops_the_training_and_is_named(archive, from_archive, tmp_path):
    chunk = max((archive / "u850").glob("c*"), key=lambda path: path.stat().st_size)
    content = chunk.read_bytes()
    steps = train(from_archive, open_archive(archive), tmp_path, iterations=50)
    next(steps)
    try:
        chunk.write_bytes(content[:-9] + bytes(9))
        with pytest.raises(InvalidDataError, match=r"u850.*: u850 at .*: expected sha256"):
            list(steps)
    finally:
        chunk.write_bytes(content)


def test_an_anchor_that_is_fitted_in_memory_is_refused(archive, from_archive, tmp_path):
    fitted = from_archive.changed(anchor={"kind": "linear", "eofs": 4})
    with pytest.raises(ConfigurationError, match=r"expected anchor\.kind 'persistence'"):
        next(train(fitted, open_archive(archive), tmp_path))


def test_samples_never_span_a_gap(system, analysis, checkpoint):
    gappy = analysis.drop_isel(time=[50])
    samples = make_samples(gappy, checkpoint.standardiser, system)
    times = gappy["time"].values[samples.starts.numpy()]
    assert (np.diff(times, axis=1) == np.timedelta64(1, "D")).all()
    assert samples.starts.shape[0] == 400 - 2 - 3


def test_joined_samples_are_those_of_their_parts(analysis, system, checkpoint):
    both = [
        make_samples(analysis.isel(time=part), checkpoint.standardiser, system)
        for part in (slice(0, 20), slice(100, 150))
    ]
    joined, first = JoinedSamples(tuple(both)), len(both[0])
    assert len(joined) == first + len(both[1])
    found = joined.batch(torch.tensor([first + 3, 0, first, first - 1]))
    for row, (part, number) in enumerate([(1, 3), (0, 0), (1, 0), (0, first - 1)]):
        expected = both[part].batch(torch.tensor([number]))
        for name in ("past", "following", "scalars", "years", "lower_bounds"):
            assert torch.equal(getattr(found, name)[row], getattr(expected, name)[0])


def test_samples_without_a_year_have_no_state_in_it(analysis, system, checkpoint):
    samples = make_samples(analysis, checkpoint.standardiser, system)
    left = samples.without([2002])
    assert len(left) == 365 - 2
    assert (left.years[left.starts] == 2001).all()
    assert len(samples.without([2001, 2002])) == 0


def test_an_epoch_takes_each_sample_once_and_epochs_differ():
    batches = torch.cat([shuffled(10, 4, iteration, seed=3) for iteration in range(5)])
    assert sorted(batches[:10].tolist()) == sorted(batches[10:].tolist()) == list(range(10))
    assert batches[:10].tolist() != batches[10:].tolist()
    assert not torch.equal(shuffled(10, 4, 0, seed=3), shuffled(10, 4, 0, seed=4))
