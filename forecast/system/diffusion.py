"""The sections of the system file that say what the denoiser is taught and how noise becomes a member."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

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
from forecast.system.section import Positive, PositiveFloat, Section

NotNegative = Annotated[float, Field(ge=0)]


class Diffusion(Section):
    """What the network returns, which noise levels training sees, and how much each counts."""

    path: PathName = "edm"
    """Clock of noise levels: what `velocity` and `path-uniform` refer to."""
    output: OutputName = "edm"
    """What the network returns; `velocity` is that of the path."""
    time_distribution: DistributionName = "log-normal"
    """Distribution of noise levels in training."""
    adaptive: bool = False
    """Draw noise levels more often where the loss is large, without changing what is minimised."""
    weight: WeightName = "edm"
    """Of the squared error at a noise level; `velocity` makes it that of the path's velocity."""
    log_sigma_mean: float = -1.2
    """Of `log-normal` and `logit-normal`, which are one: the mean of ln(sigma)."""
    log_sigma_std: PositiveFloat = 1.2
    sigma_min: PositiveFloat = 0.02
    """Smallest noise level of the uniform distributions."""
    sigma_max: PositiveFloat = 80.0
    """Largest noise level of the uniform distributions."""
    rho: PositiveFloat = 7.0
    """Of `rho-uniform`."""
    snr_limit: PositiveFloat = 5.0
    """Of `min-snr`."""
    noise: NoiseName = "white"
    """Independent at each grid point, or alike all over the globe: with equal power in all harmonics (`isotropic`), or
    with the residual's."""

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
    """How noise becomes a member."""

    kind: SamplerName = "heun"
    sampling_steps: Positive = 6
    """Noise levels above zero, one network evaluation each; two with `heun` and `dpmpp-2s`, but for the last."""
    sigma_min: PositiveFloat = 0.02
    sigma_max: PositiveFloat = 80.0
    rho: PositiveFloat = 7.0
    """Bends the schedule `rho` towards small noise."""
    schedule: ScheduleName = "rho"
    """Levels between sigma_max and sigma_min: evenly spaced in sigma^(1/rho), or in the time of a path."""
    levels: tuple[PositiveFloat, ...] = ()
    """Noise levels in place of a schedule, descending; as many as sampling_steps."""
    noise_inflation: PositiveFloat = 1.0
    """Factor on all noise, tuned on the validation period."""
    churn: NotNegative = 0.0
    """Noise added on the way, as the sum over the sampling steps of the factors by which sigma is raised."""
    churn_sigma_min: NotNegative = 0.0
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
