"""One lead step as a module: an anchor, and a denoiser of the anchor's residual."""

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from forecast.anchors.anchor import Anchor, FittedAnchor, PersistenceAnchor
from forecast.anchors.by_step_length import SteppedAnchor
from forecast.anchors.from_settings import linear_anchor
from forecast.anchors.network import MeanAnchor
from forecast.diffusion.from_settings import denoising_loss, network_output, noise_map
from forecast.diffusion.preconditioning import Denoiser, precondition
from forecast.networks.from_settings import build_network
from forecast.networks.interface import NetworkInterface
from forecast.sphere.grid import Grid
from forecast.states.conditions import SCALARS, condition_maps, step_length_indices
from forecast.states.mirror import mirror_signs, reflect_maps, shift_half_a_year
from forecast.states.standardiser import polar_signs
from forecast.system.derived import mean_system
from forecast.system.faults import faults_of_section
from forecast.system.system import System

PURE_NOISE = 1e4
"""Sigma at which the input tells a denoiser nothing about the next state, so that it returns the mean."""


class StepModel(nn.Module):
    """Models the distribution of the next state given past states, all as standardised anomalies.

    next state = anchor(past states) + residual_std * r, and the network denoises r.

    Args:
        system: The system, which names channels, network and anchor.
        grid: The grid of the states.
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
        # One for each step length, if there are several.
        several = (len(self.step_hours),) if len(self.step_hours) > 1 else ()
        self.register_buffer("residual_std", torch.ones(*several, channels, 1, 1))
        self.output = network_output(system.diffusion)
        self.denoising_loss = denoising_loss(system.diffusion, channels)
        self.training_dtype: torch.dtype | None = None  # lower precision of the network, in training only
        self.position = nn.Parameter(0.1 * torch.randn(network.position_features, *grid.shape))
        signs = polar_signs(state.predictands)
        fixed_signs = torch.ones(static.shape[0] + network.position_features)
        interface = NetworkInterface(
            grid=grid,
            polar_sign=torch.cat([signs.repeat(state.past_states + 2), fixed_signs]),
            outputs=channels,
            scalars=SCALARS,
        )
        turned = mirror_signs(state.predictands)
        mirror_sign = torch.cat([turned.repeat(state.past_states + 2), fixed_signs])[:, None, None]
        self.register_buffer("mirror_sign", mirror_sign, persistent=False)
        with faults_of_section(system.name, "anchor"):
            self.anchor = _anchor(system, grid, static)
        with faults_of_section(system.name, "network"):
            self.network = build_network(interface, network)
        with faults_of_section(system.name, "diffusion"):
            self.noise = noise_map(system.diffusion, grid, channels)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from torch's stubs

    def fitted_anchors(self) -> dict[int, FittedAnchor]:
        """Return the anchors that are fitted to samples, by step length in hours."""
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
        """Return the denoiser of the normalised residual, given all conditions of the step.

        Args:
            past: Past states, standardised anomalies, oldest first.
            anchor: The anchor's forecast of the next state.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
            mirrored: Only in training: which samples the network sees reflected at the equator; their outputs are
                reflected back.
        """
        maps = condition_maps(past, anchor, self.get_buffer("static"), self.position)
        signs = self.get_buffer("mirror_sign")
        if mirrored is not None:
            scalars = shift_half_a_year(scalars, mirrored)

        def network(x: Tensor, noise_label: Tensor) -> Tensor:
            lower, inputs = self.training_dtype, torch.cat([x, maps], dim=1)
            if mirrored is not None:
                inputs = reflect_maps(inputs, signs, mirrored)
            with torch.autocast(x.device.type, dtype=lower, enabled=lower is not None):
                output: Tensor = self.network(inputs, noise_label, scalars)
            if mirrored is not None:
                output = reflect_maps(output, signs[: output.shape[1]], mirrored)
            return output.float()

        return lambda x, sigma: precondition(network, x, sigma, self.output)

    def expected_residual(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        mirrored: Bool[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the mean of the normalised residual given the past alone, as the denoiser's output for pure noise.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
            mirrored: Only in training: which samples the network sees reflected at the equator.
        """
        start = self.anchor(past, scalars)
        denoiser = self.residual_denoiser(past, start, scalars, mirrored)
        return denoiser(torch.zeros_like(start), start.new_full(start.shape[:1], PURE_NOISE))

    def expected_state(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the mean of the next state given the past alone.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
        """
        # Compute the residual before the anchor: gradients are summed in the reverse order of the calls, which
        # determines the last bit of the weights of a fine-tuning on this anchor.
        residual = self.expected_residual(past, scalars)
        return self.apply_residual(self.anchor(past, scalars), residual, scalars)

    def normalised_residual(
        self,
        next_state: Float[Tensor, "batch channel latitude longitude"],
        anchor: Float[Tensor, "batch channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Return the residual of the anchor, divided by its standard deviation."""
        return (next_state - anchor) / self.residual_scale(scalars)

    def apply_residual(
        self,
        anchor: Float[Tensor, "batch channel latitude longitude"],
        residual: Float[Tensor, "batch channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Return the next state, given its normalised residual."""
        return anchor + residual * self.residual_scale(scalars)

    def residual_scale(self, scalars: Float[Tensor, "batch scalar"]) -> Float[Tensor, "#batch channel 1 1"]:
        """Return the standard deviation of the anchor's residual for the step length of each sample."""
        scales = self.get_buffer("residual_std")
        return scales[step_length_indices(scalars, self.step_hours)] if scales.ndim == 4 else scales[None]


def _anchor(system: System, grid: Grid, static: Tensor) -> Anchor:
    options, steps = system.anchor, system.learned_step_hours
    if options.kind == "persistence":
        return PersistenceAnchor()
    if options.kind == "mean":
        return MeanAnchor(StepModel(mean_system(system), grid, static.clone()))
    state = system.state
    make = partial(linear_anchor, options, grid, channels=len(state.predictands), past_states=state.past_states)
    return SteppedAnchor(steps, make) if len(steps) > 1 else make()
