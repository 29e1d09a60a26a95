#!/usr/bin/env bash
# Writes build/plumecast.cdx.json, a CycloneDX bill of materials of infra/lock.txt, and proves that it names the same packages.
# The tool has an environment of its own: one of its dependencies makes each import of jsonschema, and so of Prefect, take
# two seconds longer (a grammar that is parsed anew each time).
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/bill-of-materials
bill=build/plumecast.cdx.json
[ -x "$venv/bin/cyclonedx-py" ] || {
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint infra/constraints-ci.txt cyclonedx-bom
}
# Offline; the tool checks what it writes against the schema of CycloneDX.
"$venv/bin/python" -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o "$bill" infra/lock.txt
"$venv/bin/python" - infra/lock.txt "$bill" <<'PY'
import json, re, sys

lock, bill = (open(path).read() for path in sys.argv[1:])
def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()
locked = {(plain(name), version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, flags=re.M)}
parts = json.loads(bill)["components"]
listed = {(plain(part["name"]), part["version"]) for part in parts}
unhashed = [part["name"] for part in parts if not any("hashes" in each for each in part["externalReferences"])]
assert len(locked) > 100 and listed == locked, f"expected the packages of the lock, found other ones: {listed ^ locked}"
assert not unhashed, f"expected a hash of each package, found none of {unhashed}"
print(f"bill of materials: {len(listed)} packages, each with its hash")
PY
