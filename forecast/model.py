"""One lead step as a module: an anchor, and a denoiser of what the anchor misses."""

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from data_catalog.errors import ConfigurationError
from forecast import conditioning
from forecast.anchors.anchor import Anchor, FittedAnchor, PersistenceAnchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.anchors.mean import MeanAnchor
from forecast.anchors.stepped import SteppedAnchor
from forecast.batches import mirror_signs, polar_signs
from forecast.conditioning import step_numbers
from forecast.diffusion.building import denoising_loss, network_output
from forecast.diffusion.preconditioning import Denoiser, precondition
from forecast.grid import Grid
from forecast.networks.building import build_network
from forecast.networks.ports import Ports
from forecast.noise import SphereNoise
from forecast.system import System


class StepModel(nn.Module):
    """From past states to the distribution of the next one, all as standardised anomalies.

    next state = anchor(past states) + residual_std * r, and the network denoises r.

    Args:
        system: What to forecast and with which network.
        grid: Where.
        static: Standardised static fields.

    Raises:
        ConfigurationError: The network does not fit the grid.
    """

    def __init__(self, system: System, grid: Grid, static: Float[Tensor, "static latitude longitude"]) -> None:
        super().__init__()
        state, network = system.state, system.network
        channels = len(state.predictands)
        self.grid = grid
        self.register_buffer("static", static)
        self.step_hours = system.learned_step_hours
        # Of each length of a step, where there are several.
        several = (len(self.step_hours),) if len(self.step_hours) > 1 else ()
        self.register_buffer("residual_std", torch.ones(*several, channels, 1, 1))
        self.output = network_output(system.diffusion)
        self.denoising_loss = denoising_loss(system.diffusion, channels)
        self.training_dtype: torch.dtype | None = None  # lower precision of the network, only while it is trained
        self.position = nn.Parameter(0.1 * torch.randn(network.position_features, *grid.shape))
        signs = polar_signs(state.predictands)
        fixed_signs = torch.ones(static.shape[0] + network.position_features)
        ports = Ports(
            grid=grid,
            polar_sign=torch.cat([signs.repeat(state.past_states + 2), fixed_signs]),
            outputs=channels,
            scalars=conditioning.SCALARS,
        )
        turned = mirror_signs(state.predictands)
        mirror_sign = torch.cat([turned.repeat(state.past_states + 2), fixed_signs])[:, None, None]
        self.register_buffer("mirror_sign", mirror_sign, persistent=False)
        kind = system.diffusion.noise
        try:
            self.anchor = _anchor(system, grid, static)
            self.network = build_network(ports, network)
            self.noise = nn.Identity() if kind == "white" else SphereNoise(grid, channels, fitted=kind == "residual")
        except ValueError as error:
            raise ConfigurationError(f"system {system.name}: {error}") from None
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # known to torch, not to its stubs

    def fitted_anchors(self) -> dict[int, FittedAnchor]:
        """The anchors that are fitted to samples, by the length of their step in hours."""
        if isinstance(self.anchor, SteppedAnchor):
            return {hours: self.anchor.of_step(hours) for hours in self.step_hours}
        return {self.step_hours[0]: self.anchor} if isinstance(self.anchor, FittedAnchor) else {}

    def residual_denoiser(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        anchor: Float[Tensor, "batch channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        mirrored: Bool[Tensor, " batch"] | None = None,
    ) -> Denoiser:
        """Denoiser of the normalised residual, given everything the step is conditioned on.

        Args:
            past: Latest states, oldest first.
            anchor: Its forecast.
            scalars: As `step_scalars` gives them.
            mirrored: In training: which samples the network sees, and answers, in a mirror at the equator.
        """
        maps = conditioning.condition_maps(past, anchor, self.get_buffer("static"), self.position)
        signs = self.get_buffer("mirror_sign")
        if mirrored is not None:
            scalars = conditioning.half_a_year_on(scalars, mirrored)

        def network(x: Tensor, noise_label: Tensor) -> Tensor:
            lower, inputs = self.training_dtype, torch.cat([x, maps], dim=1)
            if mirrored is not None:
                inputs = conditioning.in_mirror(inputs, signs, mirrored)
            with torch.autocast(x.device.type, dtype=lower, enabled=lower is not None):
                output: Tensor = self.network(inputs, noise_label, scalars)
            if mirrored is not None:
                output = conditioning.in_mirror(output, signs[: output.shape[1]], mirrored)
            return output.float()

        return lambda x, sigma: precondition(network, x, sigma, self.output)

    def normalised_residual(
        self,
        next_state: Float[Tensor, "batch channel latitude longitude"],
        anchor: Float[Tensor, "batch channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """What the anchor misses, in units of its standard deviation."""
        return (next_state - anchor) / self.residual_scale(scalars)

    def apply_residual(
        self,
        anchor: Float[Tensor, "batch channel latitude longitude"],
        residual: Float[Tensor, "batch channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """The next state, given its normalised residual."""
        return anchor + residual * self.residual_scale(scalars)

    def residual_scale(self, scalars: Float[Tensor, "batch scalar"]) -> Float[Tensor, "#batch channel 1 1"]:
        """Standard deviation of what the anchor misses in a step of each sample's length."""
        scales = self.get_buffer("residual_std")
        return scales[step_numbers(scalars, self.step_hours)] if scales.ndim == 4 else scales[None]


def mean_system(system: System) -> System:
    """The system whose model is the mean network of a system's anchor: a model of the step from persistence."""
    mean, content = system.anchor.mean, system.model_dump()
    lengths = {"iterations": mean.iterations, "batch_size": mean.batch_size, "learning_rate": mean.learning_rate}
    parts = {
        "anchor": {"kind": "persistence"},
        "network": mean.network.model_dump(),
        "training": content["training"] | lengths | {"stored_as": "float16"},
        "diffusion": {},
        "finetuning": (),
        "pretraining": None,
    }
    return System.model_validate(content | parts)


def _anchor(system: System, grid: Grid, static: Tensor) -> Anchor:
    options, steps = system.anchor, system.learned_step_hours
    if options.kind == "persistence":
        return PersistenceAnchor()
    if options.kind == "mean":
        return MeanAnchor(StepModel(mean_system(system), grid, static.clone()))
    make = partial(_linear_anchor, system, grid)
    return SteppedAnchor(steps, make) if len(steps) > 1 else make()


def _linear_anchor(system: System, grid: Grid) -> FittedAnchor:
    options, past_states, channels = system.anchor, system.state.past_states, len(system.state.predictands)
    if options.space == "harmonics":
        return HarmonicAnchor(
            truncation=options.truncation,
            fading=options.fading,
            past_states=past_states,
            channels=channels,
            grid=grid,
        )
    return LinearAnchor(eofs=options.eofs, past_states=past_states, shape=(channels, *grid.shape))
