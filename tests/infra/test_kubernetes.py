"""What is given to a cluster: valid by its schema, run by plain users, and complete."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

_FOLDER = Path(__file__).parents[2] / "infra" / "kubernetes"
_FILES = sorted(path for path in _FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
_OF_AN_OPERATOR = "kubernetes.dask.org/v1"
"""Its schema comes with the operator, not with Kubernetes."""


def _resources() -> list[Any]:
    found = [(path.name, one) for path in _FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    return [pytest.param(one, id=f"{name} {one['kind']}") for name, one in found]


def _pods(part: Any) -> Iterator[dict[str, Any]]:
    """Every description of a pod within a resource."""
    if isinstance(part, dict):
        if "containers" in part:
            yield part
        for value in part.values():
            yield from _pods(value)


@pytest.mark.parametrize("resource", _resources())
def test_resources_have_the_form_that_kubernetes_expects(resource: dict[str, Any]) -> None:
    if resource["apiVersion"] != _OF_AN_OPERATOR:
        kubernetes_validate.validate(resource, "1.33", strict=True)
    assert resource["metadata"]["name"].startswith("plumecast-")


def test_a_wrong_resource_is_found() -> None:
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replica": 1}}, "1.33", strict=True
        )


@pytest.mark.parametrize("resource", _resources())
def test_pods_run_as_a_plain_user_with_bounded_memory(resource: dict[str, Any]) -> None:
    for pod in _pods(resource):
        assert pod["securityContext"]["runAsNonRoot"], pod
        assert pod["securityContext"]["runAsUser"] > 0
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert resource["apiVersion"] == _OF_AN_OPERATOR or "memory" in container["resources"]["limits"]


def test_what_is_mounted_exists() -> None:
    resources = [parameter.values[0] for parameter in _resources()]
    claims = {one["metadata"]["name"] for one in resources if one["kind"] == "PersistentVolumeClaim"}
    assert claims == {"plumecast-data"}
    for resource in resources:
        own = {one["metadata"]["name"] for one in resource.get("spec", {}).get("volumeClaimTemplates", ())}
        for pod in _pods(resource):
            volumes = {one["name"]: one for one in pod.get("volumes", ())}
            mounted = {one["name"] for container in pod["containers"] for one in container.get("volumeMounts", ())}
            assert mounted <= volumes.keys() | own
            assert volumes.keys() <= mounted
            asked = {
                one["persistentVolumeClaim"]["claimName"] for one in volumes.values() if "persistentVolumeClaim" in one
            }
            assert asked <= claims


def test_all_files_are_applied_or_named() -> None:
    text = (_FOLDER / "kustomization.yaml").read_text(encoding="utf-8")
    applied = yaml.safe_load(text)["resources"]
    assert {path.name for path in _FILES} == {*applied, "cronjob.yaml", "training.yaml", "dask.yaml"}
    assert all(name in text for name in ("cronjob.yaml", "training.yaml", "dask.yaml"))
