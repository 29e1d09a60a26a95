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
from forecast.states.standardiser import Standardiser
from forecast.training.samples import ArchivedStates, make_samples, shuffled
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


def test_windows_from_the_archive_are_those_in_memory(archive, analysis, system, checkpoint):
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


def test_only_states_that_are_asked_for_are_read(archive, system, checkpoint):
    read = []

    class Watched(Standardiser):
        def to_tensor(self, analysis):
            read.extend(analysis["time"].values.tolist())
            return super().to_tensor(analysis)

    known = checkpoint.standardiser
    watched = Watched(known.channels, known.climatology, known.std)
    samples = make_samples(open_archive(archive), watched, system, loader="archive")
    samples.windows(torch.tensor([7, 8]))
    assert len(read) == 4  # three states each, two of them shared


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
