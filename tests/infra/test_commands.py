"""Commands that infra/ gives to schedulers and services exist, with the options that they are given."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml

from pipelines.cli.app import app
from pipelines.workspace.home import home

_FOLDER = Path(__file__).parents[2] / "infra"
_SCRIPTS = sorted(_FOLDER.glob("slurm/*.sbatch"))


def _check(words: list[str]) -> None:
    """Parse a command as the command line would, without running it."""
    group = typer.main.get_command(app)
    context = group.make_context("plumecast", [], resilient_parsing=True)
    name, *arguments = words
    command = group.get_command(context, name)  # type: ignore[attr-defined]
    assert command is not None, f"expected a command of plumecast, found {words}"
    command.make_context(name, list(arguments), parent=context).close()


def _commands_in(text: str) -> Iterator[list[str]]:
    """Every command of plumecast in comments and lines of a file, variables replaced by something that parses."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        found = re.search(
            r"(?<![\w/.-])(?<!--namespace )(?:/opt/plumecast/bin/)?plumecast ([a-z][a-z-]*(?: .*)?)$", line
        )
        if found:
            plain = re.sub(r'"\$\{PROCESSES[^"]*"|"\$processes"', "2", found[1].removesuffix(" &"))
            plain = re.sub(r'"\$INIT"', "2021-01-01", plain).replace(" ${ARGUMENTS:-}", "")
            yield [word.strip('"') for word in plain.split()]


def _lists_in(part: Any) -> Iterator[list[str]]:
    """Every list of words within a YAML document, its elements as text."""
    if isinstance(part, list) and part and all(isinstance(one, str) for one in part):
        yield part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _lists_in(value)


def test_commands_of_jobs_and_services() -> None:
    files = [*_SCRIPTS, *_FOLDER.glob("systemd/*"), *_FOLDER.glob("kubernetes/*.yaml"), _FOLDER / "compose.yaml"]
    found = [words for path in files for words in _commands_in(path.read_text(encoding="utf-8"))]
    assert {"forecast", "train", "serve", "deploy", "ingest"} <= {words[0] for words in found}
    for words in found:
        if not words[0].startswith("$"):
            _check(words)


def test_commands_of_pods() -> None:
    found = []
    for path in _FOLDER.glob("kubernetes/*.yaml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            found += [words for words in _lists_in(document) if words[0] in ("cycle", "plumecast")]
    assert len(found) == 2
    for words in found:
        _check(words[1:] if words[0] == "plumecast" else words)


def test_a_wrong_option_is_found() -> None:
    with pytest.raises(Exception, match="No such option: --membres"):
        _check(["forecast", "speedy-5p6", "--init", "2021-01-01", "--membres", "5"])


@pytest.mark.parametrize("script", [*_SCRIPTS, _FOLDER / "check_wheel.sh"], ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.name)
def test_jobs_that_are_interrupted_are_queued_again(script: Path) -> None:
    assert "#SBATCH --requeue" in script.read_text(encoding="utf-8")


def test_the_image_is_built_from_what_it_needs() -> None:
    given = (_FOLDER.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert given[1] == "*"
    for line in given:
        if line.startswith("!"):
            assert (_FOLDER.parent / line[1:]).exists(), line
    lines = (_FOLDER / "Containerfile").read_text(encoding="utf-8").splitlines()
    owner = next(number for number, line in enumerate(lines) if "--owner plumecast" in line)
    assert owner < lines.index("USER 1000:1000") < lines.index("VOLUME /data")


def _services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = _read("compose.yaml")["services"]
    return services


def _read(name: str) -> Any:
    return yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))


def test_services_of_one_machine_listen_on_it_alone() -> None:
    services = _services()
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert all("healthcheck" in service for name, service in services.items() if name != "pages")


def test_services_are_given_files_and_volumes_that_exist() -> None:
    named = [each.split(":")[0] for service in _services().values() for each in service.get("volumes", ())]
    files = [name for name in named if name.startswith("./")]
    assert len(files) == 3
    assert all((_FOLDER / name).exists() for name in files)
    assert {name for name in named if name not in files} == set(_read("compose.yaml")["volumes"])


def test_metrics_of_cycles_reach_the_dashboard() -> None:
    """From the file in the home through its exporter and Prometheus to Grafana."""
    services = _services()
    exporter = services["metrics"]
    (folder,) = [word.split("=")[1] for word in exporter["command"] if "directory=" in word]
    assert exporter["volumes"] == [f"home:{folder}:ro"]
    assert home().metrics.parent == home().root
    assert home().metrics.suffix == ".prom"
    settings = _read("prometheus/prometheus.yml")
    (job,) = settings["scrape_configs"]
    assert {address.split(":")[0] for each in job["static_configs"] for address in each["targets"]} == {"metrics"}
    assert all((_FOLDER / "prometheus" / name).is_file() for name in settings["rule_files"])
    (source,) = _read("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    address = urlsplit(source["url"])
    assert services[str(address.hostname)]["ports"] == [f"127.0.0.1:{address.port}:{address.port}"]
    (dashboards,) = _read("grafana/provisioning/dashboards/plumecast.yaml")["providers"]
    place = f"{dashboards['options']['path']}/plumecast.json"
    assert f"./grafana/plumecast.json:{place}:ro" in services["grafana"]["volumes"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_takes_its_settings() -> None:
    settings = _FOLDER / "prometheus" / "prometheus.yml"
    checked = subprocess.run(["promtool", "check", "config", settings], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
