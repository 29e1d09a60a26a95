"""The diffusion and sampler sections of the system file: how the denoiser is trained and how it makes members."""

from typing import Any, ClassVar, Self

from pydantic import model_validator

from forecast.system.names import (
    CHURNED,
    DistributionName,
    NoiseName,
    OutputName,
    PathName,
    SamplerName,
    ScheduleName,
    WeightName,
)
from forecast.system.section import NotNegative, Positive, PositiveFloat, Section


class Diffusion(Section):
    """What the network returns, which noise levels training draws, and how much each counts."""

    path: PathName = "edm"
    """Map between time and noise level, which `velocity` and `path-uniform` refer to."""
    output: OutputName = "edm"
    """Mixture of clean state and noise that the network returns; `velocity` is that of the path."""
    time_distribution: DistributionName = "log-normal"
    """Distribution of noise levels in training."""
    adaptive: bool = False
    """Draw noise levels with a large loss more often, at a smaller weight; the expected loss stays the same."""
    weight: WeightName = "edm"
    """Weight of the squared error at a noise level; `velocity` is the squared error of the path's velocity."""
    log_sigma_mean: float = -1.2
    """Mean of ln(sigma), for `log-normal` and `logit-normal`, which are the same distribution."""
    log_sigma_std: PositiveFloat = 1.2
    """Standard deviation of ln(sigma), for the same distributions."""
    sigma_min: PositiveFloat = 0.02
    """Smallest noise level of the uniform distributions."""
    sigma_max: PositiveFloat = 80.0
    """Largest noise level of the uniform distributions."""
    rho: PositiveFloat = 7.0
    """Exponent of the distribution `rho-uniform`."""
    snr_limit: PositiveFloat = 5.0
    """Largest weight of `min-snr`."""
    noise: NoiseName = "white"
    """White noise, or noise that is isotropic on the globe, with equal power in all harmonics (`isotropic`) or with the
    power spectrum of the residual (`residual`)."""

    added: ClassVar[dict[str, Any]] = {
        "path": "edm",
        "output": "edm",
        "time_distribution": "log-normal",
        "adaptive": False,
        "weight": "edm",
        "sigma_min": 0.02,
        "sigma_max": 80.0,
        "rho": 7.0,
        "snr_limit": 5.0,
        "noise": "white",
    }

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.sigma_min, self.sigma_max)
        return self


class Sampler(Section):
    """How noise is turned into a member."""

    kind: SamplerName = "heun"
    sampling_steps: Positive = 6
    """Number of noise levels above zero. Each takes one network evaluation; two with `heun` and `dpmpp-2s`, but for the
    last."""
    sigma_min: PositiveFloat = 0.02
    """Smallest noise level above zero."""
    sigma_max: PositiveFloat = 80.0
    """First noise level."""
    rho: PositiveFloat = 7.0
    """Exponent of the schedule `rho`; larger values give more small noise levels."""
    schedule: ScheduleName = "rho"
    """Spacing of the noise levels: even in sigma^(1/rho), or in the time of a path."""
    levels: tuple[PositiveFloat, ...] = ()
    """Noise levels in place of a schedule, descending; as many as sampling_steps."""
    noise_inflation: PositiveFloat = 1.0
    """Factor on all noise, tuned on the validation period."""
    churn: NotNegative = 0.0
    """Noise added between sampling steps, as the sum over all steps of the fraction by which it raises sigma."""
    churn_sigma_min: NotNegative = 0.0
    """Smallest noise level that is raised."""
    churn_sigma_max: PositiveFloat = 1000.0
    """Largest noise level that is raised."""

    added: ClassVar[dict[str, Any]] = {
        "schedule": "rho",
        "levels": [],
        "churn": 0.0,
        "churn_sigma_min": 0.0,
        "churn_sigma_max": 1000.0,
    }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_order(self.sigma_min, self.sigma_max)
        if self.churn and self.kind not in CHURNED:
            raise ValueError(f"expected churn with one of {list(CHURNED)} only, found it with {self.kind}")
        if self.levels:
            if len(self.levels) != self.sampling_steps:
                raise ValueError(
                    f"expected sampling_steps {len(self.levels)}, as many as levels, found {self.sampling_steps}"
                )
            if list(self.levels) != sorted(set(self.levels), reverse=True):
                raise ValueError(f"expected levels that descend, found {list(self.levels)}")
        return self


def _check_order(sigma_min: float, sigma_max: float) -> None:
    if sigma_min >= sigma_max:
        raise ValueError(f"expected sigma_min below sigma_max, found {sigma_min:g} and {sigma_max:g}")
