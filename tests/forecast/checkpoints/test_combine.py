"""A model of several networks, trained separately and stored in one checkpoint; members alternate between them."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.checkpoints.combine import combine, network_places
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members, split_members
from forecast.training.directory import is_finished
from forecast.training.train import train

INIT = np.datetime64("2001-12-10", "ns")


def changed(system, **training):
    return system.changed(training=system.training.changed(**training))


@pytest.fixture(scope="module")
def three(system):
    return changed(system, networks=3)


@pytest.fixture(scope="module")
def directory(three, analysis, tmp_path_factory):
    directory = tmp_path_factory.mktemp("three")
    for number, place in enumerate(network_places(three, directory)):
        trained(three.of_network(number), analysis, place)
    combine(three, networks_of(three, directory), directory)
    return directory


def networks_of(system, directory):
    return [load_checkpoint(place) for place in network_places(system, directory)]


def trained(system, analysis, directory, **options):
    return list(train(system, analysis, directory, **options))


def fields(checkpoint, system, analysis, members, *, batch_size=2, **options):
    """Return z500 (lead, latitude, longitude) by member."""
    made = forecast_members(
        checkpoint, system, analysis, MemberRequest(INIT, members, 2), batch_size=batch_size, **options
    )
    found = {member: [] for member in members}
    for block in made:
        for member, values in zip(block.members, block.fields["z500"], strict=True):
            found[member].append(values)
    return {member: np.stack(steps) for member, steps in found.items()}


def test_each_network_is_what_its_seed_makes_alone(three, system, analysis, directory, tmp_path):
    checkpoint = load_checkpoint(directory)
    assert three.of_network(2) == changed(system, seed=2)
    for model, place in zip(checkpoint.models, network_places(three, directory), strict=True):
        expected = load_checkpoint(place).model.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    one, *others = (model.position for model in checkpoint.models)
    assert not any(torch.equal(one, other) for other in others)
    record = checkpoint.training.networks
    assert [each.seed for each in record] == [0, 1, 2]
    assert checkpoint.training.dataset == three.dataset
    assert checkpoint.training.validation_held_out
    with pytest.raises(ConfigurationError, match=r"system tiny: expected a network from 0 to 2, found 3"):
        three.of_network(3)


def test_tensors_that_networks_share_are_stored_once(directory):
    (path,) = directory.glob("model-*.safetensors")
    names = set(load_file(path))
    assert {"model.static", "model.residual_std"} <= names
    assert {f"networks.{number}.position" for number in range(3)} <= names
    assert not any(name.startswith("model.network.") and name.endswith("convolution.weight") for name in names)


def test_members_alternate_between_the_networks(three, analysis, directory):
    checkpoint = load_checkpoint(directory)
    mixed = fields(checkpoint, three, analysis, range(6))
    for number in range(3):
        alone = fields(checkpoint.of_member(number), three, analysis, range(6))
        for member in range(6):
            close = np.allclose(mixed[member], alone[member], atol=1e-4 * checkpoint.standardiser.std[0])
            assert close == (member % 3 == number)


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_a_member_is_the_same_in_every_batch_and_ensemble(three, analysis, directory, batch_size):
    checkpoint = load_checkpoint(directory)
    many = fields(checkpoint, three, analysis, range(7))
    few = fields(checkpoint, three, analysis, [1, 4, 5], batch_size=batch_size)
    for member, values in few.items():
        np.testing.assert_allclose(values, many[member], atol=1e-4 * checkpoint.standardiser.std[0], rtol=0)


def test_a_killed_forecast_continues_with_the_same_networks(three, analysis, directory, tmp_path):
    checkpoint = load_checkpoint(directory)
    killed = forecast_members(
        checkpoint, three, analysis, MemberRequest(INIT, range(5), 2), batch_size=2, state_directory=tmp_path
    )
    for _ in range(3):
        next(killed)
    killed.close()
    again = fields(checkpoint, three, analysis, range(5), state_directory=tmp_path)
    whole = fields(checkpoint, three, analysis, range(5))
    assert all(np.array_equal(again[member], whole[member]) for member in range(5))


def test_members_of_one_network_are_computed_together():
    assert split_members(range(7), 2, 1, networks=3) == [(0, 3), (6,), (1, 4), (2, 5)]
    assert sorted(sum(split_members(range(50), 25, 4, networks=2), ())) == list(range(50))


def test_a_training_killed_between_its_two_files_is_not_finished(three, analysis, tmp_path):
    often = changed(three.of_network(0), checkpoint_iterations=2)
    killed = train(often, analysis, tmp_path)
    for _ in range(3):
        next(killed)
    killed.close()
    (tmp_path / "training.safetensors").unlink()  # written after the checkpoint, so it may be missing
    assert not is_finished(tmp_path)
    resumed = trained(often, analysis, tmp_path, resume=True)
    assert len(resumed) == often.training.iterations
    assert is_finished(tmp_path)


def test_networks_of_different_trainings_are_refused(three, analysis, directory, tmp_path):
    networks = networks_of(three, directory)
    with pytest.raises(ConfigurationError, match=r"network 1 of system tiny: expected the training of this system"):
        combine(three, [networks[0], networks[0], networks[2]], tmp_path)
    warmer = networks[2].standardiser.climatology + 5 * float(networks[2].standardiser.std[0])
    other = replace(networks[2], standardiser=replace(networks[2].standardiser, climatology=warmer))
    with pytest.raises(ConfigurationError, match=r"network 2 .*: expected the climatology of network 0, found another"):
        combine(three, [*networks[:2], other], tmp_path)
    trained(three.of_network(1), analysis, tmp_path / "short", iterations=2)
    short = load_checkpoint(tmp_path / "short")
    with pytest.raises(ConfigurationError, match=r"network 1 .*: expected iterations \[6\] as .*, found \[2\]"):
        combine(three, [networks[0], short, networks[2]], tmp_path)
    trained(three.of_network(1), analysis, tmp_path / "other", initial_checkpoint=networks[0])
    other = load_checkpoint(tmp_path / "other")
    with pytest.raises(
        ConfigurationError, match=r"network 1 .*: expected initial checkpoint None as .*, found [0-9a-f]+"
    ):
        combine(three, [networks[0], other, networks[2]], tmp_path)
    assert not (tmp_path / "model.json").exists()


def test_networks_may_differ_by_rounding_in_anything(three, directory, tmp_path):
    networks = networks_of(three, directory)
    networks[1].model.get_buffer("static").mul_(1 + 1e-6)
    combine(three, networks, tmp_path)
    opened = load_checkpoint(tmp_path)
    assert torch.equal(opened.models[1].get_buffer("static"), networks[1].model.get_buffer("static"))
    assert not torch.equal(opened.models[0].get_buffer("static"), opened.models[1].get_buffer("static"))


def test_members_hardly_change_with_weights_stored_as_bytes(three, analysis, directory, tmp_path):
    combine(changed(three, stored_as="int8"), networks_of(three, directory), tmp_path)
    found, expected = load_checkpoint(tmp_path), load_checkpoint(directory)
    kinds = {value.dtype for value in load_file(next(tmp_path.glob("model-*.safetensors"))).values()}
    assert torch.int8 in kinds
    renamed = replace(found, model_id=expected.model_id)  # so that the noise is the same
    one, other = (fields(each, three, analysis, range(3)) for each in (renamed, expected))
    scale = expected.standardiser.std[0]
    differences = [np.abs(one[member] - other[member]).max() / scale for member in range(3)]
    assert 0 < max(differences) < 0.05


def test_the_storage_form_does_not_change_the_training(system, analysis, tmp_path):
    """The mean network of an anchor is read back from its own checkpoint."""
    anchored = system.changed(anchor={"kind": "mean", "mean": {"iterations": 2, "batch_size": 4}})
    anchors = {}
    for form in ("float16", "int8"):
        trained(changed(anchored, stored_as=form), analysis, tmp_path / form)
        anchors[form] = load_checkpoint(tmp_path / form).model.anchor.state_dict()
    assert all(torch.equal(value, anchors["int8"][name]) for name, value in anchors["float16"].items())


def edited(directory, to, *, networks=None, without="nothing"):
    """A copy of a checkpoint with another number of networks in its description, or tensors missing from its file."""
    description = json.loads((directory / "model.json").read_text())
    tensors = load_file(next(directory.glob("model-*.safetensors")))
    data = save({name: value for name, value in tensors.items() if not name.startswith(without)})
    description["weights_sha256"] = hashlib.sha256(data).hexdigest()
    if networks is not None:
        description["system"]["training"]["networks"] = networks
    (to / f"model-{description['weights_sha256'][:12]}.safetensors").write_bytes(data)
    (to / "model.json").write_text(json.dumps(description))
    return to


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"without": "networks.2."}, r"expected the 3 networks that model.json describes, found 2"),
        ({"without": "networks.2.position"}, r"expected the weights that model.json describes, found .*position"),
        ({"without": "model.static"}, r"expected the weights that model.json describes, found 'static'"),
        ({"networks": 1}, r"expected the 1 networks that model.json describes, found 3"),
        ({"networks": 4}, r"expected the 4 networks that model.json describes, found 3"),
    ],
)
def test_a_weights_file_that_contradicts_the_description(directory, tmp_path, changes, fault):
    with pytest.raises(InvalidDataError, match=fault):
        load_checkpoint(edited(directory, tmp_path, **changes))


def test_an_invalid_number_of_networks_is_refused(directory, tmp_path):
    with pytest.raises(ConfigurationError, match=r"training.networks: Input should be greater than"):
        load_checkpoint(edited(directory, tmp_path, networks=0))
