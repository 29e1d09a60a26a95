"""The task that trains, apart from those of a cycle: what only training imports takes a cycle more than a second."""

from pathlib import Path

from forecast.system.system import System
from pipelines.flows.steps import step
from pipelines.training.train import TrainingRequest, train_system


@step("train")
def train(system: System, analysis: str, directory: str) -> str:
    """Train a system or continue an unfinished training; return the directory of the checkpoint."""
    return str(train_system(TrainingRequest(system, Path(analysis), Path(directory), resume=True)))
