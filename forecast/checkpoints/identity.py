"""The identity of a model: a hash of everything in its description that determines its members."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def model_identity(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what determines the members: weights, grid and their meaning, not the training record.

    Args:
        description: Content of the checkpoint's `model.json`, as stored in the file.

    Returns:
        64 hexadecimal digits.
    """
    deciding = {key: value for key, value in description.items() if key != "training"}
    settings = deciding["system"]
    deciding["system"] = {key: settings[key] for key in ("name", "state", "anchor", "network")}
    # Network output and noise are left out if they are those of the first release.
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
