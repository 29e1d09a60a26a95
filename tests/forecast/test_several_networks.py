"""A model of several networks: trained one by one, kept in one checkpoint, members taking turns at them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.checkpoints import load_checkpoint
from forecast.ensemble import forecast_members, split_members
from forecast.system import System
from forecast.training import NETWORKS, combine, train

INIT = np.datetime64("2001-12-10", "ns")


@pytest.fixture(scope="module")
def three(system):
    content = system.model_dump()
    return System.model_validate(content | {"training": content["training"] | {"networks": 3}})


@pytest.fixture(scope="module")
def directory(three, analysis, tmp_path_factory):
    directory = tmp_path_factory.mktemp("three")
    trained(three, analysis, directory)
    return directory


def trained(system, analysis, directory, **options):
    return list(train(system, analysis, directory, **options))


def fields(checkpoint, system, analysis, members, *, batch_size=2, **options):
    """Member to z500 (lead, latitude, longitude)."""
    made = forecast_members(checkpoint, system, analysis, INIT, members, 2, batch_size=batch_size, **options)
    found = {member: [] for member in members}
    for block in made:
        for member, values in zip(block.members, block.fields["z500"], strict=True):
            found[member].append(values)
    return {member: np.stack(steps) for member, steps in found.items()}


def test_each_network_is_what_its_seed_makes_alone(three, system, analysis, directory, tmp_path):
    checkpoint = load_checkpoint(directory)
    for number, model in enumerate(checkpoint.models):
        alone = system.model_copy(update={"training": system.training.model_copy(update={"seed": number})})
        trained(alone, analysis, tmp_path / str(number))
        expected = load_checkpoint(tmp_path / str(number)).model.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    record = checkpoint.training[NETWORKS]
    assert [each["seed"] for each in record] == [0, 1, 2]
    assert checkpoint.training["dataset"] == three.dataset
    assert checkpoint.training["validation_held_out"]


def test_what_networks_have_alike_is_kept_once(directory):
    (path,) = directory.glob("model-*.safetensors")
    names = set(load_file(path))
    assert {"model.static", "model.residual_std"} <= names
    assert {f"networks.{number}.position" for number in range(3)} <= names
    assert not any(name.startswith("model.network.") and name.endswith("convolution.weight") for name in names)


def test_members_take_turns_at_the_networks(three, analysis, directory):
    checkpoint = load_checkpoint(directory)
    mixed = fields(checkpoint, three, analysis, range(6))
    for number in range(3):
        alone = fields(checkpoint.of_network(number), three, analysis, range(6))
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


def test_a_killed_forecast_goes_on_with_the_same_networks(three, analysis, directory, tmp_path):
    checkpoint = load_checkpoint(directory)
    killed = forecast_members(checkpoint, three, analysis, INIT, range(5), 2, batch_size=2, state_directory=tmp_path)
    for _ in range(3):
        next(killed)
    killed.close()
    again = fields(checkpoint, three, analysis, range(5), state_directory=tmp_path)
    whole = fields(checkpoint, three, analysis, range(5))
    assert all(np.array_equal(again[member], whole[member]) for member in range(5))


def test_members_of_one_network_are_computed_together():
    assert split_members(range(7), 2, 1, networks=3) == [(0, 3), (6,), (1, 4), (2, 5)]
    assert sorted(sum(split_members(range(50), 25, 4, networks=2), ())) == list(range(50))


def test_a_training_killed_in_its_second_network_goes_on(three, analysis, directory, tmp_path):
    killed = train(three, analysis, tmp_path)
    for progress in killed:
        if progress.stage.startswith("network 2 of 3") and progress.iteration == 9:
            break
    killed.close()
    assert not (tmp_path / "model.json").exists()
    with pytest.raises(ConfigurationError, match=r"expected no network in .*networks/0, found one"):
        trained(three, analysis, tmp_path)
    resumed = trained(three, analysis, tmp_path, resume=True)
    assert resumed[-1].iteration == resumed[-1].iterations == 3 * three.training.iterations
    assert load_checkpoint(tmp_path).model_id == load_checkpoint(directory).model_id
    assert trained(three, analysis, tmp_path, resume=True) == []


def test_networks_trained_side_by_side_make_the_same_checkpoint(three, analysis, directory, tmp_path):
    for number in (2, 0, 1):
        assert not (tmp_path / "model.json").exists()
        made = trained(three, analysis, tmp_path, network=number)
        assert made[-1].iteration == made[-1].iterations == three.training.iterations
    assert load_checkpoint(tmp_path).model_id == load_checkpoint(directory).model_id
    with pytest.raises(ConfigurationError, match=r"system tiny: expected a network from 0 to 2, found 3"):
        trained(three, analysis, tmp_path, network=3)


def test_a_network_of_another_training_is_refused(three, directory, checkpoint, tmp_path):
    networks = [load_checkpoint(directory / NETWORKS / str(number)) for number in range(3)]
    with pytest.raises(ConfigurationError, match=r"network 1 of system tiny: expected the training of this system"):
        combine(three, [networks[0], networks[0], networks[2]], tmp_path)
    warmer = networks[2].standardiser.climatology + 5 * float(networks[2].standardiser.std[0])
    other = replace(networks[2], standardiser=replace(networks[2].standardiser, climatology=warmer))
    with pytest.raises(ConfigurationError, match=r"network 2 .*: expected the climatology that network 0"):
        combine(three, [*networks[:2], other], tmp_path)


def test_kept_as_bytes_the_members_stay_nearly_the_same(three, analysis, directory, tmp_path):
    networks = [load_checkpoint(directory / NETWORKS / str(number)) for number in range(3)]
    small = three.model_copy(update={"training": three.training.model_copy(update={"stored_as": "int8"})})
    combine(small, networks, tmp_path)
    found, expected = load_checkpoint(tmp_path), load_checkpoint(directory)
    kinds = {value.dtype for value in load_file(next(tmp_path.glob("model-*.safetensors"))).values()}
    assert torch.int8 in kinds
    renamed = replace(found, model_id=expected.model_id)  # so that the noise is the same
    one, other = (fields(each, three, analysis, range(3)) for each in (renamed, expected))
    scale = expected.standardiser.std[0]
    differences = [np.abs(one[member] - other[member]).max() / scale for member in range(3)]
    assert 0 < max(differences) < 0.05


def test_a_training_from_several_networks_begins_with_each(three, analysis, directory, tmp_path):
    origin = load_checkpoint(directory)
    trained(three, analysis, tmp_path, begin_with=origin, iterations=1)
    for number, model in enumerate(load_checkpoint(tmp_path).models):
        moved = [float(torch.linalg.vector_norm(model.position - other.position)) for other in origin.models]
        assert int(np.argmin(moved)) == number


def test_what_is_about_one_network_refuses_several(directory):
    with pytest.raises(ConfigurationError, match=r"expected one of a single network, found 3"):
        _ = load_checkpoint(directory).model


def test_a_network_that_is_absent_from_the_file(directory, tmp_path):
    description = json.loads((directory / "model.json").read_text())
    tensors = {
        name: value
        for name, value in load_file(next(directory.glob("model-*.safetensors"))).items()
        if not name.startswith("networks.2.")
    }
    import hashlib

    data = save(tensors)
    description["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / f"model-{description['weights_sha256'][:12]}.safetensors").write_bytes(data)
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(InvalidDataError, match=r"expected the weights that model.json describes, found .*position"):
        load_checkpoint(tmp_path)
