"""What an operator does with the models of a system: register, let one run beside the live one, promote, roll back."""

import shutil
from pathlib import Path

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import atomic_path
from forecast.system.system import System
from forecast.verification.realism.report import RealismReport
from pipelines.operations.model_comparison import compare_models
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import LIVE, ModelRegistry, ModelState, State, short
from pipelines.workspace.open_checkpoint import open_checkpoint
from pipelines.workspace.realism_records import find_realism


def register_model(home: Home, system: System, checkpoint: Path, reason: str = "") -> ModelState:
    """Copy a checkpoint into the registry as a candidate; the model that is in use becomes the first live one.

    Args:
        home: The home directory.
        system: The system.
        checkpoint: Directory of the checkpoint, with its calibration card and baselines if it has any.
        reason: What is new about it.

    Returns:
        The model.

    Raises:
        ConfigurationError: It is no checkpoint of the system, or it is registered already.
        InvalidDataError: A file is damaged.
    """
    registry = ModelRegistry.read(home.models(system.name))
    if registry.live is None:
        _add(registry, system, find_checkpoint(home, system), LIVE, "in use before there was a registry")
    return _add(registry, system, checkpoint, "candidate", reason)


def set_shadow(home: Home, system_name: str, model: str, *, shadow: bool, reason: str = "") -> ModelState:
    """Let a model run beside the live one on the same cycles, or no longer.

    Args:
        home: The home directory.
        system_name: Name of the system.
        model: First digits of its identity.
        shadow: Whether it runs from now on.
        reason: Why.

    Raises:
        ConfigurationError: There is no such model, or it is the live one.
    """
    registry = ModelRegistry.read(home.models(system_name))
    found = registry.find(model)
    if found.state == LIVE:
        raise ConfigurationError(f"model {short(found.model_id)}: expected one that is not live, found the live one")
    return _moved(registry, found, "shadow" if shadow else "candidate", reason)


def promote(home: Home, system_name: str, model: str, *, without_proof: str | None = None) -> ModelState:
    """Make a model the live one, which it is from the next cycle on; the live one is retired.

    Args:
        home: The home directory.
        system_name: Name of the system.
        model: First digits of its identity.
        without_proof: Why it is promoted although no comparison shows that it is not worse; None to compare.

    Raises:
        ConfigurationError: There is no such model, it is live, or it is worse than the live one: by its scores, or
            as it fails a physics gate that the live one is not known to fail.
        MissingDataError: It was not scored on enough cycles of the live one.
    """
    registry = ModelRegistry.read(home.models(system_name))
    found, live = registry.find(model), registry.live
    assert live is not None, "register_model makes the first live one"
    if found.model_id == live.model_id:
        raise ConfigurationError(f"model {short(live.model_id)}: expected one that is not live, found the live one")
    if without_proof is not None:
        return _moved(registry, found, LIVE, f"without proof: {without_proof}")
    comparison = compare_models(home, system_name, found.model_id, live.model_id)
    gates = find_realism(home, system_name, found.model_id)
    faults = [*comparison.faults, *_failed_gates(gates, find_realism(home, system_name, live.model_id))]
    if faults:
        raise ConfigurationError(
            f"model {short(found.model_id)}: expected one that is not worse than {short(live.model_id)} over "
            f"{comparison.cycles} cycles, found: {'; '.join(faults)}"
        )
    words = f"CRPS {comparison.change_percent:+.1f} % over {comparison.cycles} cycles, significantly worse nowhere"
    evidence = {**comparison.as_evidence(), "physics_gates": gates.words if gates else "not measured"}
    return _moved(registry, found, LIVE, words, evidence)


def roll_back(home: Home, system_name: str, reason: str = "") -> ModelState:
    """Make the model that was live before the present one the live one again.

    Args:
        home: The home directory.
        system_name: Name of the system.
        reason: Why.

    Raises:
        ConfigurationError: No other model was ever live.
    """
    registry = ModelRegistry.read(home.models(system_name))
    before = registry.before_live
    if before is None:
        raise ConfigurationError(f"rollback {system_name}: expected a model that was live before, found none")
    return _moved(registry, before, LIVE, f"rolled back{': ' if reason else ''}{reason}")


def model_lines(registry: ModelRegistry) -> list[str]:
    """Return a line for each model, the live one first, as people read them.

    Args:
        registry: The models.
    """
    return [model_line(model) for model in sorted(registry.models, key=lambda model: model.state != LIVE)]


def model_line(model: ModelState) -> str:
    """Return a model, its state, since when, and why, on one line.

    Args:
        model: The model.
    """
    return f"{short(model.model_id)}  {model.state:<9}  {model.at}  {model.reason}".rstrip()


def _add(registry: ModelRegistry, system: System, checkpoint: Path, state: State, reason: str) -> ModelState:
    """Prove that a checkpoint opens, copy it and record it."""
    model_id = open_checkpoint(checkpoint, system).model_id
    if any(model.model_id == model_id for model in registry.models):
        raise ConfigurationError(
            f"checkpoint {checkpoint}: expected a new model, found {short(model_id)}, registered already"
        )
    record = ModelState(model_id=model_id, folder=short(model_id), state=state, reason=reason)
    with atomic_path(registry.directory(record)) as unfinished:
        unfinished.mkdir()
        for path in sorted(checkpoint.iterdir()):
            if path.is_file():
                shutil.copy2(path, unfinished / path.name)
        if open_checkpoint(unfinished, system).model_id != model_id:
            raise ConfigurationError(
                f"checkpoint {checkpoint}: expected it not to change while it is copied, found it changed"
            )
    registry.append(record)
    return record


def _failed_gates(gates: RealismReport | None, live: RealismReport | None) -> list[str]:
    """Physics gates that a model fails and the live one does not, or was never measured by, a line each."""
    known = set(live.failed) if live else set()
    return [
        f"physics gate {record.name}: {record.failed} of {record.measured} figures beyond their limits"
        for record in (gates.gates if gates else ())
        if record.status == "failed" and record.name not in known
    ]


def _moved(
    registry: ModelRegistry, model: ModelState, state: State, reason: str, evidence: dict[str, object] | None = None
) -> ModelState:
    record = ModelState(
        model_id=model.model_id, folder=model.folder, state=state, reason=reason, evidence=evidence or {}
    )
    registry.append(record)
    return record
