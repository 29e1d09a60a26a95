"""The parts that a base installation of Plumecast leaves out, and what to install for each."""

import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One extra of the package.

    Attributes:
        extra: Name in `pip install 'plumecast[extra]'`.
        title: Common name of the part.
        modules: Top-level modules that it installs, the principal one first.
        serves: Commands or kinds of work that need it.
    """

    extra: str
    title: str
    modules: tuple[str, ...]
    serves: str

    @property
    def is_installed(self) -> bool:
        """Whether the principal module can be imported."""
        return is_installed(self.modules[0])

    @property
    def remedy(self) -> str:
        """Command that installs the part."""
        return f"pip install 'plumecast[{self.extra}]'"


PARTS = (
    Part(
        "model",
        "PyTorch",
        ("torch", "safetensors", "jaxtyping", "optuna"),
        "demo, train, forecast, evaluate, calibrate, levels, tune, cycle",
    ),
    Part("flows", "Prefect", ("prefect", "httpx"), "demo, cycle, serve"),
    Part("dask", "dask.distributed", ("distributed",), "--scheduler tcp://..."),
    Part("grib", "ecCodes", ("eccodes",), "GRIB files"),
    Part("speedy", "the SPEEDY model", ("jcm",), "simulating weather"),
)


def is_installed(module: str) -> bool:
    """Return whether a top-level module can be found, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def require(module: str) -> None:
    """Raise an error if a module is not installed, before anything is written.

    Args:
        module: A top-level module of a part.

    Raises:
        ModuleNotFoundError: The module is not installed.
    """
    if not is_installed(module):
        raise ModuleNotFoundError(f"No module named '{module}'", name=module)


def missing_part(error: ModuleNotFoundError) -> str | None:
    """Return what is missing and how to install it; None if the error is not about a module of a part.

    Args:
        error: The error of an import.
    """
    module = (error.name or "").partition(".")[0]
    for part in PARTS:
        if module in part.modules and not is_installed(module):
            expected = module if part.is_installed else part.title
            return f"expected {expected}, found none; install it with: {part.remedy}"
    return None
