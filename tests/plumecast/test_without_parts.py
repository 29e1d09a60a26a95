"""A base installation, without torch, Prefect or any other extra, reads, scores and plots."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("without_parts.py")


def test_every_base_part_works_without_the_extras(forecast_home: Path, tmp_path: Path) -> None:
    home = shutil.copytree(forecast_home, tmp_path / "home")
    root = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "PLUMECAST_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), str(home)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "missing" in done.stdout
