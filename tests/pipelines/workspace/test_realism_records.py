"""The gates of a model are found beside its checkpoint, and those of another model are not taken for them."""

from pathlib import Path

from forecast.verification.realism.report import write_realism
from pipelines.workspace.home import Home
from pipelines.workspace.realism_records import find_realism
from tests.forecast.verification.realism.test_report import GATES, report_of


def test_a_record_is_found_by_the_model_it_is_of(tmp_path: Path) -> None:
    place, report = Home(tmp_path), report_of(*GATES)
    assert find_realism(place, "tiny", report.model_id) is None
    write_realism(report, place.checkpoint("tiny") / "realism.json")
    assert find_realism(place, "tiny", report.model_id) == report
    assert find_realism(place, "tiny", "cd" * 32) is None
