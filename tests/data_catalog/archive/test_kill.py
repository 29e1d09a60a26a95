import subprocess
import sys
from pathlib import Path


def test_an_ingest_may_be_killed_at_any_step(tmp_path: Path) -> None:
    script = Path(__file__).with_name("killed_ingest.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "20", "23"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 4
