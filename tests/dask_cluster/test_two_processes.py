"""Two worker processes write the bytes of one, though one of them is killed; the script does so with gigabytes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_two_processes_do_what_one_does_though_one_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.dask_cluster.two_processes", str(tmp_path), "--gigabytes", "0.01"]
    done = subprocess.run([*command, "--columns", "72"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("was killed while it was at work") == 3
    peak = float(done.stdout.partition("largest memory of a worker: ")[2].split()[0])
    assert 0.05 < peak < 1.5
