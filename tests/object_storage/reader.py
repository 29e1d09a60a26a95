"""A reader that polls published runs all the time, and counts every one that is not whole.

    python -m tests.object_storage.reader URL STOP_FILE

It knows only the layout: `latest.json` names a run, `manifest.json` publishes one, the files lie in the folder that is
named for that manifest. It makes STOP_FILE.ready when it begins, stops once STOP_FILE exists, and prints what it saw.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at

SYSTEM = "tiny"


def fault_of(folder: Folder, cycle: str, manifest: bytes) -> str:
    """Return what is wrong with a run that a manifest publishes; empty if it is whole.

    Args:
        folder: Where runs are published.
        cycle: Name of the cycle.
        manifest: Bytes of its manifest.
    """
    files_at = f"{SYSTEM}/{cycle}/{hashlib.sha256(manifest).hexdigest()[:16]}"
    files = json.loads(manifest)["files"]
    if not files:
        return "no files"
    for name, entry in files.items():
        if folder.fetch(f"{files_at}/{name}") != entry["sha256"]:
            return f"{files_at}/{name}"
    beside = folder.read(f"{files_at}/manifest.json")
    return "" if beside is not None and beside.body == manifest else f"{files_at}/manifest.json"


def look(folder: Folder, seen: Counter[str]) -> list[str]:
    """Look at the latest run, and at one that is published; return what is wrong.

    Args:
        folder: Where runs are published.
        seen: Counts what was looked at.
    """
    latest = folder.read(f"{SYSTEM}/latest.json")
    seen["looks"] += 1
    if latest is None:
        return []
    named = json.loads(latest.body)
    manifest = folder.read(f"{SYSTEM}/{named['files']}/manifest.json")
    if manifest is None:
        return [f"latest.json names {named['files']}, which is not there"]
    if (fault := fault_of(folder, named["run"], manifest.body)) != "":
        return [f"latest: {fault}"]
    current = folder.read(f"{SYSTEM}/{named['run']}/manifest.json")
    if current is None or (fault := fault_of(folder, named["run"], current.body)) != "":
        return [f"{named['run']}: {fault if current else 'no manifest'}"]
    seen["whole runs"] += 2
    seen[hashlib.sha256(current.body).hexdigest()] += 1
    return []


def main(url: str, stop: Path) -> None:
    """Poll until the file exists."""
    folder, seen, faults = folder_at(url), Counter[str](), list[str]()
    stop.with_name(f"{stop.name}.ready").touch()
    while not stop.exists():
        faults += look(folder, seen)
    generations = len([name for name in seen if name not in ("looks", "whole runs")])
    print(json.dumps({"looks": seen["looks"], "whole": seen["whole runs"], "generations": generations, "bad": faults}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
