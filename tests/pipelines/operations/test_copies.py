"""A published run that is not where its system publishes it shows in the status, the metrics and on the page."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.files.manifest import extend_manifest
from forecast.system.system import System
from pipelines.operations import copies
from pipelines.operations.copies import note_copy
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.metrics import write_metrics
from pipelines.operations.publication import copy_missing
from pipelines.operations.status import status_lines, status_of
from pipelines.workspace.home import Home
from tests.pipelines.operations.conftest import add_run

Begin = Callable[..., CycleLedger]


@pytest.fixture
def copying(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """A system that publishes into a directory; forecast files of tests do not say so themselves."""
    made: System = system.changed(publish={"to": f"file://{tmp_path}/published"})
    monkeypatch.setattr(copies, "run_system", lambda _: made)
    return made


def shown(place: Home) -> list[str]:
    ((ledger, states),) = status_of(place, ["tiny"]).values()
    return status_lines("tiny", ledger, states)


def test_what_is_not_copied_is_said_until_it_is(begin: Begin, copying: System, tmp_path: Path) -> None:
    place, to = Home(tmp_path), copying.publish.to
    begin("data")
    run = add_run(place.runs, "2008-01-01")
    assert shown(place) == [
        "tiny: 1 published; 1 not copied",
        f"  2008-01-01T00:00Z  published  not at {to}: no cycle has run since",
    ]

    def copy() -> int:
        return copy_missing(copying, place.runs, partial(note_copy, CycleLedger.read(place.cycle_ledger("tiny"))))

    (tmp_path / "published").write_text("a file where a directory should be")
    with pytest.raises(ConfigurationError, match="expected to be able to write"):
        copy()
    assert f"published  not at {to}: {tmp_path}/published/tiny" in shown(place)[1]
    assert 'plumecast_not_copied{system="tiny"} 1.0' in write_metrics(place, place.metrics).read_text()
    assert 'plumecast_unannounced{system="tiny"} 0.0' in place.metrics.read_text()

    (tmp_path / "published").unlink()
    assert copy() == 1
    assert shown(place) == ["tiny: 1 published", f"  2008-01-01T00:00Z  published  {run.path}"]
    size = place.cycle_ledger("tiny").stat().st_size
    assert copy() == 0
    assert place.cycle_ledger("tiny").stat().st_size == size

    run.checks.write_text("{}")
    extend_manifest(run.path, [run.checks])
    assert shown(place)[1].endswith(f"published  changed since it was copied to {to}")
    assert copy() == 1
    assert shown(place)[0] == "tiny: 1 published"
