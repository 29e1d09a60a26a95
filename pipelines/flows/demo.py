"""The flow of the demonstration on the bundled simulated weather."""

from pathlib import Path

from prefect import flow

from pipelines.flows import demo_system as demo
from pipelines.flows import tasks, training
from pipelines.flows.cycle import make_run
from pipelines.flows.demo_system import DemoResult
from pipelines.flows.steps import ONE_AT_A_TIME
from pipelines.runs.cycle import cycle_at_home
from pipelines.terminal.times import parse_time
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.home import Home


@flow(name="plumecast-demo", task_runner=ONE_AT_A_TIME, persist_result=False)
def demo_flow(home: str, train: bool = False) -> DemoResult:
    """Archive the bundled sample, forecast several cycles from it, and verify them against it.

    Args:
        home: Directory for all outputs.
        train: Whether to train a small network on a part of the sample first, and forecast and verify on the rest.

    Returns:
        Paths of the runs and the scores.
    """
    place = Home(Path(home))
    system = demo.small_system() if train else demo.shipped_system()
    archive = tasks.ingest(home, system.entry)
    if train:
        training.train(system, archive, str(place.checkpoint(system.name)))
    checkpoint = find_checkpoint(place, system)
    runs = []
    for start in demo.STARTS_WITHOUT_TRAINING if train else demo.STARTS:
        runs.append(make_run(cycle_at_home(place, system, parse_time(start))))
    out = place.root / f"scores-{system.name}.json"
    scores = tasks.verify_together(system.name, home, runs, str(out), str(checkpoint))
    return DemoResult(tuple(Path(run) for run in runs), Path(scores), train)
