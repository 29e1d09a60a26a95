"""Which model is live, which run beside it, and which were."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.workspace.model_registry import ModelRegistry, ModelState, State, short

OLD, NEW, OTHER = "a" * 64, "b" * 64, "bc" * 32


def _record(model: str, state: State) -> ModelState:
    return ModelState(model_id=model, folder=short(model), state=state)


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    found = ModelRegistry.read(tmp_path / "tiny" / "registry.jsonl")
    for model, state in ((OLD, "live"), (NEW, "candidate"), (OTHER, "shadow")):
        found.append(_record(model, state))  # type: ignore[arg-type]
    return found


def test_an_empty_registry_has_no_model(tmp_path: Path) -> None:
    found = ModelRegistry.read(tmp_path / "registry.jsonl")
    assert (found.live, found.models, found.shadows, found.before_live) == (None, [], [], None)
    with pytest.raises(ConfigurationError, match="model 'a': expected the beginning of one of none, found"):
        found.find("a")


def test_one_line_makes_another_model_the_live_one(registry: ModelRegistry) -> None:
    assert registry.live is not None
    assert registry.live.model_id == OLD
    assert registry.before_live is None
    registry.append(_record(NEW, "live"))
    for known in (registry, ModelRegistry.read(registry.path)):
        assert [(model.model_id, model.state) for model in known.models] == [
            (OLD, "retired"),
            (NEW, "live"),
            (OTHER, "shadow"),
        ]
        assert known.before_live is not None
        assert known.before_live.model_id == OLD
        assert [model.model_id for model in known.shadows] == [OTHER]


def test_two_rollbacks_change_between_the_last_two_models(registry: ModelRegistry) -> None:
    registry.append(_record(NEW, "live"))
    for expected in (OLD, NEW):
        before = registry.before_live
        assert before is not None
        registry.append(_record(before.model_id, "live"))
        assert registry.live is not None
        assert registry.live.model_id == expected


def test_models_are_found_by_their_first_digits(registry: ModelRegistry) -> None:
    assert registry.find("aaa").model_id == OLD
    assert registry.find("bb").model_id == NEW
    assert registry.directory(registry.find("bcb")) == registry.path.parent / "bcbcbcbcbcbc"
    for beginning, found in (("b", "2"), ("c", "none"), ("", "none")):
        with pytest.raises(
            ConfigurationError,
            match=rf"one of aaaaaaaaaaaa \(live\), .*found that of {found}",
        ):
            registry.find(beginning)
