#!/usr/bin/env bash
# Packs what a machine without network needs beside the clone for infra/gpu/sprint.sh, at most 60 MB.
#   infra/gpu/bundle.sh YEARS [--out DIR] [--largest-mb 60] [--wheels 'xarray==2026.9.0 pydantic==2.12.5 ...']
# YEARS is a folder of the nature run, a file a year: infra/gpu/README.md. PYTHON_VERSION=3.12 for wheels of another Python.
set -euo pipefail
clone=$(cd "$(dirname "$0")/../.." && pwd)
years='' out=$clone/training-runs/gpu-bundle largest=60 wheels=''
while [ $# -gt 0 ]; do
    case $1 in
    --out) out=${2:?} && shift 2 ;;
    --largest-mb) largest=${2:?} && shift 2 ;;
    --wheels) wheels=${2:?} && shift 2 ;;
    -*) echo "bundle: expected YEARS, --out, --largest-mb or --wheels, found $1" >&2 && exit 2 ;;
    *) years=$1 && shift ;;
    esac
done
[ -d "$years" ] || { echo "bundle: expected a folder with the years of the nature run, found '$years'" >&2 && exit 2; }
mkdir -p "$out"
export PYTHONPATH=$clone${PYTHONPATH:+:$PYTHONPATH}
python=${PYTHON:-python3}
if [ "$wheels" ]; then
    # shellcheck disable=SC2086  # several words
    "$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$out/wheels" \
        --python-version "${PYTHON_VERSION:-3.12}" --implementation cp \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 $wheels
    largest=$(du -sb "$out/wheels" | awk -v most="$largest" '{ printf "%.1f", most - $1 / 1e6 }')
fi
"$python" "$clone/infra/gpu/pack_weather.py" "$years" "$out/weather" --largest-mb "$largest"
du -sh "$out"
