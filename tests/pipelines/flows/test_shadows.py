"""A shadow forecasts the cycles of the live model, is scored beside it, and disturbs nothing."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from forecast.products.files.manifest import find_runs, read_manifest
from forecast.verification.archive.archive import archived_forecasters
from pipelines.flows.cycle import cycle_flow
from pipelines.operations.promotion import register_model, set_shadow
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import ModelRegistry
from pipelines.workspace.systems import find_system

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::pytest.PytestUnhandledThreadExceptionWarning",
    "ignore::DeprecationWarning",
)


@pytest.fixture
def candidate(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> str:
    system = find_system(str(tiny))
    fewer = system.changed(training=system.training.changed(iterations=2))
    trained = train_system(TrainingRequest(fewer, weather_file, tmp_path / "retrained"))
    return register_model(place, system, trained).model_id


def test_a_shadow_runs_beside_the_live_model(
    server: None, place: Home, tiny: Path, weather_file: Path, candidate: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipelines.runs.page.plot_run", lambda *_, **__: [])
    shadow = set_shadow(place, "tiny", candidate, shadow=True)
    registry = ModelRegistry.read(place.models("tiny"))
    assert registry.live is not None

    def cycle() -> list[str]:
        return cycle_flow(str(tiny), str(place.root), source=SecretStr(str(weather_file)), members=2)

    for _ in range(2):
        cycle()
    beside = place.shadow_runs(shadow.folder)
    for runs, model in ((place.runs, registry.live.model_id), (beside, candidate)):
        assert [run.path.name for run in find_runs(runs, "tiny")] == ["20080101T0000Z", "20080102T0000Z"]
        assert {read_manifest(run.path).model_id for run in find_runs(runs, "tiny")} == {model}
    scored = {one.about.get("model") for one in archived_forecasters(place.score_archive("tiny"))}
    assert {candidate, registry.live.model_id} <= scored

    (registry.directory(shadow) / "model.json").unlink()
    with caplog.at_level(logging.ERROR, "plumecast"):
        (run,) = cycle()
    assert Path(run).name == "20080103T0000Z"
    assert any(record.message.startswith(f"Shadow {candidate[:12]}: checkpoint") for record in caplog.records)
    assert len(find_runs(beside, "tiny")) == 2
