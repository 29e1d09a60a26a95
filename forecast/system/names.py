"""What paths, outputs, distributions, weights and samplers are called.

Free of torch, so that a system file is read quickly.
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
"""Samplers that can churn; estimates of different noise must not be extrapolated, as `dpmpp-2m` does."""
