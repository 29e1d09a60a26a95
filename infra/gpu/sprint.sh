#!/usr/bin/env bash
# Makes the most of some minutes on a machine with a GPU and without network: the tests that need one (a minute),
# benchmarks/gpu.py (three), and a training of speedy-5p6-large for the rest. Call it again to continue the training.
#   infra/gpu/sprint.sh [--minutes N] [--out DIR] [--bundle DIR]     PYTHON=python3 for another interpreter
#   infra/gpu/sprint.sh --dry-run --minutes 1                        all of it on the CPU with tiny sizes
set -uo pipefail
clone=$(cd "$(dirname "$0")/../.." && pwd)
minutes=9 dry='' out=$clone/training-runs/gpu bundle=$clone/training-runs/gpu-bundle python=${PYTHON:-python3}
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) minutes=${2:?} && shift 2 ;;
    --out) out=${2:?} && shift 2 ;;
    --bundle) bundle=${2:?} && shift 2 ;;
    --dry-run) dry=yes && shift ;;
    *) echo "sprint: expected --minutes N, --out DIR, --bundle DIR or --dry-run, found $1" >&2 && exit 2 ;;
    esac
done
case $minutes in '' | *[!0-9]* | 0) echo "sprint: --minutes: expected a whole number above 0, found $minutes" >&2 && exit 2 ;; esac
say() { printf '%s sprint: %s\n' "$(date +%H:%M:%S)" "$1"; }
left() { echo $((minutes * 60 - SECONDS)); }
mkdir -p "$out" || exit 2
export PYTHONPATH=$clone${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

# Packages that the machine lacks travel as wheels in the bundle; nothing is fetched.
if compgen -G "$bundle/wheels/*.whl" >/dev/null; then
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --upgrade --target "$out/.site" "$bundle"/wheels/*.whl || exit 2
    export PYTHONPATH=$out/.site:$PYTHONPATH
fi
missing=$("$python" "$clone/infra/gpu/missing_packages.py") || { echo "sprint: $missing" >&2 && exit 2; }

if [ "$dry" ]; then
    device=cpu weather=$clone/data_catalog/bundled/speedy_2008_00utc.nc
    figures=(--tiny --minutes 15) training=(--tiny) limits=(900 900) # a slow CPU must not cut it short
else
    device=cuda weather=$bundle/weather figures=(--minutes 3) training=() limits=(90 240)
    "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
        { echo "sprint: expected a GPU that PyTorch can use, found none; try --dry-run" >&2 && exit 2; }
    compgen -G "$weather/*.nc" >/dev/null ||
        { echo "sprint: $weather: expected the years of infra/gpu/bundle.sh, found none" >&2 && exit 2; }
fi

failed=0
if [ -e "$out/tests.txt" ]; then
    say "tests and figures are there; on with the training"
else
    say "tests that need a GPU"
    mapfile -t tests < <(grep -rlE --include='test_*.py' 'mark\.gpu' "$clone/tests" && echo "$clone/tests/gpu")
    timeout "${limits[0]}" "$python" -m pytest -m gpu -rs -p no:cacheprovider "${tests[@]}" >"$out/tests.part" 2>&1
    status=$?
    [ $status -eq 0 ] || failed=1
    tail -1 "$out/tests.part"
    say "figures"
    timeout "${limits[1]}" "$python" "$clone/benchmarks/gpu.py" --device $device --out "$out" "${figures[@]}" >"$out/figures.txt" 2>&1 ||
        { failed=1 && tail -1 "$out/figures.txt"; }
    mv "$out/tests.part" "$out/tests.txt"
fi

seconds=$(left)
[ -z "$dry" ] || [ "$seconds" -ge 30 ] || seconds=30 # a slow CPU may have used the minute
if [ "$seconds" -le 0 ]; then
    say "no time is left for training; call again with the same --out"
else
    say "training for $seconds s"
    "$python" "$clone/infra/gpu/train_large.py" --weather "$weather" --out "$out/speedy-5p6-large" --seconds "$seconds" \
        --device $device --figures "$out/gpu.json" "${training[@]}" 2>&1 | tee -a "$out/training.txt" || failed=1
fi
find "$out" -type f -size +16000000c -not -path '*/.site/*' -printf 'sprint: %p is larger than 16 MB\n'
say "results in $out"
exit $failed
