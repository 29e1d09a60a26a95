"""Running sums over members from which the gradients of their mean and spread follow, in the memory of a few fields."""

import torch
from jaxtyping import Float
from torch import Tensor


class GradientMoments:
    """Sums of the members' gradients: alone, times the outcome, and squared; float64.

    The outcome is counted from a value near the mean, so that the sums do not cancel.

    Args:
        origin: A value near the mean outcome, such as the first member's.
    """

    def __init__(self, origin: float) -> None:
        self.members = 0
        self._origin = origin
        self._outcomes: list[Tensor] = []
        self._sum: Tensor | float = 0.0
        self._by_outcome: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0

    def add(self, outcomes: Float[Tensor, " member"], gradients: Float[Tensor, "member ..."]) -> None:
        """Add some members.

        Args:
            outcomes: The outcome of each.
            gradients: Its gradient with respect to that member's own input, (member, ...).
        """
        exact, departures = gradients.double(), outcomes.double() - self._origin
        self.members += len(outcomes)
        self._outcomes.append(departures)
        self._sum = self._sum + exact.sum(0)
        self._by_outcome = self._by_outcome + torch.tensordot(departures, exact, dims=1)
        self._squares = self._squares + (exact**2).sum(0)

    @property
    def mean(self) -> Tensor:
        """Gradient of the ensemble mean with respect to an input that all members share."""
        return torch.as_tensor(self._sum / self.members)

    @property
    def spread(self) -> Tensor:
        """Gradient of the ensemble's standard deviation (M - 1 in its denominator) with respect to a shared input.

        The variance is sum((y - mean)^2) / (M - 1), and the departures sum to zero, so that its gradient is
        2 sum((y - mean) g) / (M - 1). That of its root is this by twice the root; zero where all outcomes are the same.
        """
        outcomes = torch.cat(self._outcomes)
        deviation = float(outcomes.std())
        if not deviation > 0:
            return torch.zeros_like(self.mean)
        covariance = (torch.as_tensor(self._by_outcome) - outcomes.mean() * torch.as_tensor(self._sum)) / (
            self.members - 1
        )
        return covariance / deviation

    @property
    def linear_variance(self) -> Tensor:
        """Variance of the outcome that independent standard normal inputs bring linearly, one value for each.

        The outcome's regression on a normal input is the mean gradient (Stein 1981, doi:10.1214/aos/1176345632), and
        its square the variance. The square of a mean over M members would be too large by the gradients' variance by M:
        this takes the mean over pairs of different members, which is without bias, and may be negative by chance.
        """
        total, squares = torch.as_tensor(self._sum), torch.as_tensor(self._squares)
        return (total**2 - squares) / (self.members * (self.members - 1))

    @property
    def mean_square(self) -> Tensor:
        """Mean squared gradient; its sum over normal inputs is at least the variance (Chernoff's inequality)."""
        return torch.as_tensor(self._squares) / self.members
