"""Global attributes of a forecast file: description, provenance, and the seeds to reproduce its members."""

from importlib.metadata import version

from data_catalog.layout.times import iso
from data_catalog.layout.variables import channel
from forecast.calibration.card import CARD_VERSION
from forecast.members.noise import member_seeds
from forecast.products.files.forecast_reading import CONFIGURATION
from forecast.products.files.proof import ANALYSIS_MEMBERS, ANALYSIS_QUALITY, CONDITIONS, MEMBER_SEEDS
from forecast.states.starts import start_members
from forecast.system.system import System
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import Inputs
from pipelines.terminal.times import now


def global_attributes(cycle: Cycle, inputs: Inputs) -> dict[str, str]:
    """Return the global attributes of the forecast file of a cycle.

    Args:
        cycle: The request for the run.
        inputs: Checkpoint and analysis of the run; each part of their identity becomes an attribute `plumecast_<name>`.
    """
    system, entry, identity = cycle.system, cycle.system.entry, inputs.identity
    release = version("plumecast")
    kind = "Simulated weather, not the real atmosphere. " if entry.simulated else ""
    steps = system.sampler.sampling_steps
    sampler = f"{system.sampler.kind} sampler, {steps} sampling step{'' if steps == 1 else 's'}"
    seeds = member_seeds(identity["model_id"], system.identity_hash(), cycle.init_time, cycle.members)
    card = inputs.checkpoint.card_sha256
    calibration = {} if card is None else {"plumecast_calibration": f"version {CARD_VERSION}, sha256 {card}"}
    starts = " ".join(map(str, start_members(inputs.analysis)))
    kind_of_ensemble = "conditioned ensemble" if cycle.conditions else "ensemble"
    return (
        {
            "title": f"{system.title}: {kind_of_ensemble} forecast from {iso(cycle.init_time)}",
            "institution": "Made with Plumecast",
            "source": f"{kind}Plumecast {release}, diffusion model {identity['model_id'][:12]}, {sampler}",
            "history": f"{iso(now())} plumecast {release} forecast {system.name}",
            "references": "https://arxiv.org/abs/2206.00364",
            "comment": f"Started from {entry.title}.{_imposed(cycle)}{_clipping(system)}",
            "plumecast_system": system.name,
            CONFIGURATION: system.model_dump_json(),
            ANALYSIS_QUALITY: inputs.quality,
            MEMBER_SEEDS: " ".join(seeds),
        }
        | {f"plumecast_{name}": value for name, value in identity.items()}
        | calibration
        | ({ANALYSIS_MEMBERS: starts} if starts else {})
        | ({CONDITIONS: "; ".join(map(str, cycle.conditions))} if cycle.conditions else {})
    )


def _imposed(cycle: Cycle) -> str:
    """Return a sentence on the conditions that members were made to meet; empty for a free forecast."""
    if not cycle.conditions:
        return ""
    return f" Not a free forecast: every member was made to meet {', '.join(map(str, cycle.conditions))}."


def _clipping(system: System) -> str:
    """Return a sentence on the channels that are clipped at their physical minimum; empty if there are none."""
    bounded = [name for name in system.state.predictands if channel(name).variable.minimum is not None]
    return f" Values of {', '.join(bounded)} below the physical minimum are set to it." if bounded else ""
