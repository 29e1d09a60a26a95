"""TODO: pipelines/runs/attributes.py."""

from importlib.metadata import version

from data_catalog.catalog import dataset
from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from forecast.system.system import System
from pipelines.runs.cycle import Cycle, Inputs
from pipelines.terminal.times import now


def cycle_seeds(cycle: Cycle, inputs: Inputs) -> tuple[str, ...]:
    from forecast.members.noise import member_seeds

    identity = inputs.identity
    return member_seeds(identity["model_id"], identity["system_hash"], cycle.init_time, cycle.members)


def forecast_attributes(cycle: Cycle, inputs: Inputs) -> dict[str, str]:
    from forecast.calibration.card import CARD_VERSION

    system, entry = cycle.system, dataset(cycle.system.dataset)
    release = version("plumecast")
    kind = "Simulated weather, not the real atmosphere. " if entry.simulated else ""
    sampler = f"{system.sampler.kind} sampler, {system.sampler.sampling_steps} sampling steps"
    card = inputs.checkpoint.card_sha256
    calibration = {} if card is None else {"plumecast_calibration": f"version {CARD_VERSION}, sha256 {card}"}
    return (
        {
            "title": f"{system.title}: ensemble forecast from {iso(cycle.init_time)}",
            "institution": "Made with Plumecast",
            "source": f"{kind}Plumecast {release}, diffusion model {inputs.identity['model_id'][:12]}, {sampler}",
            "history": f"{iso(now())} plumecast {release} forecast {system.name}",
            "references": "https://arxiv.org/abs/2206.00364",
            "comment": f"Started from {entry.title}.{_censoring(system)}",
            "plumecast_system": system.name,
            "plumecast_configuration": system.model_dump_json(),
            "plumecast_member_seeds": " ".join(cycle_seeds(cycle, inputs)),
        }
        | {f"plumecast_{name}": value for name, value in inputs.identity.items()}
        | calibration
    )


def _censoring(system: System) -> str:
    """What the file says about channels that have a physical minimum."""
    bounded = [name for name in system.state.predictands if channel(name).variable.minimum is not None]
    return f" Values of {', '.join(bounded)} below the physical minimum are set to it." if bounded else ""
