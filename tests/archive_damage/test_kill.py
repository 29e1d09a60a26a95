import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_ingest_may_be_killed_at_any_step(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.archive_damage.killed_ingest", str(tmp_path), "20", "23"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4
