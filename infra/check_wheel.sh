#!/usr/bin/env bash
# Builds the wheel, installs it into an empty environment outside the clone, and uses it: first the base installation,
# which reads, scores and lists without torch and Prefect, then all extras, which the demonstration needs.
#   infra/check_wheel.sh          PYTHON=python3.12 for another interpreter
set -euo pipefail
clone=$(cd "$(dirname "$0")/.." && pwd)
pins=$clone/infra/constraints-ci.txt
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
say() { printf '%s wheel: %s\n' "$(date +%H:%M:%S)" "$1"; }

say "build"
mkdir "$place/source" "$place/work"
# Copy only files that git does not ignore: a stale build/ would add deleted modules to the wheel.
git -C "$clone" ls-files -z --cached --others --exclude-standard |
    tar -C "$clone" --null --files-from=- --ignore-failed-read --create | tar -C "$place/source" --extract
"${PYTHON:-python3}" -m venv "$place/venv"
bin=$place/venv/bin
install() { "$bin/python" -m pip install --quiet --quiet --disable-pip-version-check --constraint "$pins" "$@"; }
"$bin/python" -m pip wheel --quiet --quiet --no-deps --wheel-dir "$place" "$place/source"
rm -r "$place/source"
wheel=$(echo "$place"/plumecast-*.whl)

cd "$place/work"
unset PYTHONPATH PLUMECAST_HOME
export PATH=$bin:$PATH

say "base installation"
install "$wheel"
for module in torch prefect; do
    if python -c "import $module" 2>/dev/null; then echo "expected no $module, found it" >&2; exit 1; fi
done
python - <<'EOF'
import importlib, pkgutil

for package in ("data_catalog", "forecast.products", "forecast.verification", "forecast.system", "plumecast"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)
EOF
plumecast catalog list
plumecast ingest speedy-5p6 --end 2008-01-20
python - <<'EOF'
import numpy as np
import plumecast
import xarray as xr

# Use three consecutive analyses as a poor ensemble for the days after them.
analysis = plumecast.open_archive("speedy-5p6")[["t2m", "z500"]]
days = [analysis.isel(time=7 + day, drop=True) for day in range(3)]
leads = np.array([1, 2, 3], "timedelta64[D]").astype("timedelta64[ns]")
ensemble = xr.concat(days, "member").expand_dims(lead_time=leads)
coords = {"member": [0, 1, 2], "init_time": analysis["time"].values[9]}
ensemble.assign_coords(coords).to_netcdf("poor.nc", engine="netcdf4")
forecast = plumecast.open_forecast("poor.nc")
assert dict(forecast.sizes) == {"member": 3, "lead_time": 3, "latitude": 32, "longitude": 64}, forecast.sizes
EOF
plumecast verify poor.nc --analysis plumecast-data/archives/speedy-5p6.zarr --out poor.json
status=0; told=$(plumecast forecast speedy-5p6 --init 2008-01-10 2>&1) || status=$?
[ "$status" = 2 ] && [[ $told == *"plumecast[model]"* ]] || { echo "expected status 2 and what to install, found $status: $told" >&2; exit 1; }

say "all extras"
install torch
install "$wheel[all]"
python -m pip check
plumecast doctor
say "demonstration"
plumecast demo --out demo
python - <<'EOF'
import json
import plumecast

runs = plumecast.find_runs("demo")
assert len(runs) == 3, runs
for run in runs:
    run.verify_files()
    assert run.page.stat().st_size > 100_000
    assert dict(run.forecast.sizes) == {"member": 50, "lead_time": 10, "latitude": 32, "longitude": 64}
    scores = run.scores["crps"].sel(channel="z500").isel(lead_time=0)
    assert scores.sel(forecaster="plumecast") < 0.5 * scores.sel(forecaster="climatology"), scores
with open("demo/scores-speedy-5p6.json") as file:
    assert json.load(file)["initialisations"] == 3
EOF
say "all is well"
