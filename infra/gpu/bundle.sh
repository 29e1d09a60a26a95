#!/usr/bin/env bash
# Packs what a machine without network needs beside the clone for infra/gpu/sprint.sh, at most 60 MB; with --source also
# the part of the clone that a sprint uses, within the same size.
#   infra/gpu/bundle.sh YEARS [--source] [--first-year 2001] [--out DIR] [--largest-mb 60] [--wheels 'xarray==2026.9.0 ...']
# YEARS is a folder of the nature run, a file a year: infra/gpu/README.md. PYTHON_VERSION=3.12 for wheels of another Python.
set -euo pipefail
clone=$(cd "$(dirname "$0")/../.." && pwd)
years='' out=$clone/training-runs/gpu-bundle largest=60 wheels='' source='' first=2001
while [ $# -gt 0 ]; do
    case $1 in
    --out) out=${2:?} && shift 2 ;;
    --largest-mb) largest=${2:?} && shift 2 ;;
    --wheels) wheels=${2:?} && shift 2 ;;
    --source) source=yes && shift ;;
    --first-year) first=${2:?} && shift 2 ;;
    -*) echo "bundle: expected YEARS, --source, --first-year, --out, --largest-mb or --wheels, found $1" >&2 && exit 2 ;;
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
fi
if [ "$source" ]; then
    # What is committed, without pages, notebooks, baselines, old releases and the checkpoints of other systems.
    mapfile -t others < <(cd "$clone" && git ls-tree --name-only HEAD forecast/pretrained/ | grep -v '/speedy-5p6$')
    git -C "$clone" archive --prefix=plumecast/ HEAD -- . ':!docs' ':!notebooks' ':!tests/golden' \
        ':!forecast/pretrained/*/baselines.nc' "${others[@]/#/:!}" | gzip -6 >"$out/source.tar.gz"
fi
for part in wheels source.tar.gz; do
    [ ! -e "$out/$part" ] || largest=$(du -sb "$out/$part" | awk -v most="$largest" '{ printf "%.1f", most - $1 / 1e6 }')
done
"$python" "$clone/infra/gpu/pack_weather.py" "$years" "$out/weather" --largest-mb "$largest" --first-year "$first"
du -sh "$out"
