"""What a flow has logged reaches the server before that is stopped."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
for name in [name for name in os.environ if name.startswith("PREFECT_")]:
    del os.environ[name]
from pipelines.flows.environment import prepare_prefect
from pipelines.flows.server import short_lived_server
from pipelines.workspace.home import Home
place = Home(Path(sys.argv[1]))
os.environ["HOME"] = sys.argv[1]
prepare_prefect(place)
with short_lived_server(place):
    from prefect import flow, get_client, get_run_logger
    from pipelines.flows.pending import reported

    @flow
    def speak():
        get_run_logger().info("one last word")

    with reported():
        speak()
    with get_client(sync_client=True) as client:
        print([log["message"] for log in client._client.post("/logs/filter", json={}).json()])
"""


def test_the_last_words_are_heard(tmp_path: Path) -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "one last word" in found.stdout
    assert "Error logging" not in found.stderr
