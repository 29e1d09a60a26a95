"""Names of paths, outputs, distributions, weights and samplers, as system files spell them.

They are defined apart from the functions that they name, because those need torch.
"""

from typing import Literal

PathName = Literal["edm", "flow", "trig", "vp-linear", "vp-cosine", "vp-sigmoid", "vp-secant"]
OutputName = Literal["edm", "x0", "eps", "v", "velocity"]
DistributionName = Literal["log-normal", "logit-normal", "log-uniform", "rho-uniform", "path-uniform"]
WeightName = Literal["edm", "min-snr", "velocity", "learned"]
NoiseName = Literal["white", "isotropic", "residual"]
SamplerName = Literal["euler", "heun", "dpmpp-2s", "dpmpp-2m", "renoise"]
ScheduleName = Literal["rho", "edm", "flow", "trig", "vp-linear", "vp-cosine", "vp-sigmoid", "vp-secant"]
CHURNED = ("euler", "heun", "dpmpp-2s")
"""Samplers that can churn. `dpmpp-2m` cannot: it extrapolates from the previous estimate, which had other noise."""
