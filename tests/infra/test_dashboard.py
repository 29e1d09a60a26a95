"""The dashboard shows what the metrics hold, in expressions that Prometheus reads. Grafana itself is not run here."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from pipelines.operations.metrics import Metrics
from pipelines.operations.stage_metrics import StageMetrics

INFRA = Path(__file__).parents[2] / "infra"
DASHBOARD: dict[str, Any] = json.loads((INFRA / "grafana" / "plumecast.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def exported() -> set[str]:
    """Names of all metrics."""
    registry = CollectorRegistry()
    Metrics(registry)
    StageMetrics(registry)
    return {family.name for family in registry.collect()}


def test_every_metric_is_shown_and_every_shown_one_exists() -> None:
    shown = {name for expression in EXPRESSIONS for name in re.findall(r"plumecast_[a-z_]+", expression)}
    assert shown == exported()


def test_alerts_are_about_metrics_that_exist() -> None:
    rules = (INFRA / "prometheus" / "plumecast.rules.yml").read_text()
    named = set(re.findall(r"plumecast_[a-z_]+", rules))
    assert named
    assert named <= exported()


def test_panels_do_not_overlap_and_name_their_variables() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(cells)) == len(cells)
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = {name for expression in EXPRESSIONS for name in re.findall(r"\$(\w+)", expression)}
    assert used <= variables


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(EXPRESSIONS)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
