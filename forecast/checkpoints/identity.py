"""The identity of a model: a hash of everything in its description that decides its members."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def model_identity(description: Mapping[str, Any]) -> str:
    """SHA-256 over what decides a model's members: its weights, its grid and what they mean; not its training record.

    Args:
        description: Content of the checkpoint's `model.json`, as the file has it.

    Returns:
        64 hexadecimal digits.
    """
    deciding = {key: value for key, value in description.items() if key != "training"}
    settings = deciding["system"]
    deciding["system"] = {key: settings[key] for key in ("name", "state", "anchor", "network")}
    # What the network returns, and in what noise: left out where they are what they were in the first release.
    meaning = {key: settings["diffusion"][key] for key in ("path", "output") if key in settings["diffusion"]}
    if meaning.get("output", "edm") == "edm":
        meaning = {}
    if settings["diffusion"].get("noise", "white") != "white":
        meaning["noise"] = settings["diffusion"]["noise"]
    if meaning:
        deciding["system"]["diffusion"] = meaning
    if len(learned := settings.get("training", {}).get("step_hours", ())) > 1:
        deciding["system"]["step_hours"] = learned
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
