"""Runs the shadows of a system: models that forecast and are scored on the same cycles as the live one."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from pipelines.flows import tasks
from pipelines.operations.cycles import SystemCycles
from pipelines.runs.cycle import Cycle
from pipelines.runs.sweep import sweep
from pipelines.workspace.model_registry import ModelRegistry, ModelState, short

logger = logging.getLogger("plumecast")


def run_shadows(
    cycles: SystemCycles,
    init_times: Sequence[np.datetime64],
    request: Callable[[np.datetime64], Cycle],
    make: Callable[[Cycle], str],
) -> None:
    """Make the runs of each shadow for some cycles, and verify those of its earlier runs that can be verified.

    A shadow that fails is told in the log: the live forecasts are published already, and nothing else depends on it.

    Args:
        cycles: The cycles of the system.
        init_times: Init times of the live runs that were made.
        request: Returns the request for the live run of an init time.
        make: Makes and publishes a run, within a flow.
    """
    registry = ModelRegistry.read(cycles.home.models(cycles.system.name))
    for shadow in registry.shadows:
        sweep(cycles.home.shadow_runs(shadow.folder), cycles.system.name)
        for init_time in init_times:
            with _told(shadow):
                runs = cycles.home.shadow_runs(shadow.folder)
                make(replace(request(init_time), checkpoint=registry.directory(shadow), runs=runs))
        with _told(shadow):
            _verify(cycles, shadow)


def _verify(cycles: SystemCycles, shadow: ModelState) -> None:
    home = str(cycles.home.root)
    for run in tasks.find_verifiable(home, cycles.system, str(cycles.home.shadow_runs(shadow.folder))):
        tasks.verify(home, run, system=cycles.system)


@contextmanager
def _told(shadow: ModelState) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.error("Shadow %s: %s", short(shadow.model_id), error)
