"""A stand-in for the climate model: it takes the same arguments and writes the same files and lines, in a moment.

Its weather is a wave that moves with each piece, so that a piece that does not follow from its state is seen.
"""

import json
import os
import signal
import stat
import sys
from pathlib import Path

import numpy as np

LEVELS, ROWS, COLUMNS, TIMES = 8, 16, 32, 10


def stand_in(path: Path) -> Path:
    """Write an executable that can be named as the Python of the model."""
    run = f"sys.argv[:2] = [{__file__!r}]\nrunpy.run_path({__file__!r}, run_name='__main__')\n"
    path.write_text(f"#!{sys.executable}\nimport runpy, sys\n{run}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fields_of(phase: float) -> dict[str, np.ndarray]:
    """Fields of a piece that begins with a phase of the wave, from 0 to 1."""
    longitude = np.arange(COLUMNS) * 360.0 / COLUMNS
    latitude = np.linspace(-87.0, 87.0, ROWS)
    moving = np.sin(np.deg2rad(longitude)[None] * 3 + 2 * np.pi * phase + np.arange(TIMES)[:, None] / 5)
    wave = (moving[:, :, None] * np.cos(np.deg2rad(latitude))).astype(np.float32)
    sigma = np.array([0.025, 0.095, 0.2, 0.34, 0.51, 0.685, 0.835, 0.95], np.float32)
    on_levels = np.ones((1, LEVELS, 1, 1), np.float32) * wave[:, None]
    temperature = (288.0 * sigma**0.19)[None, :, None, None] + 3 * on_levels
    heights = 288.0 / 0.0065 * (1 - sigma**0.19)
    still = np.zeros((COLUMNS, ROWS), np.float32)
    return {
        "temperature": temperature.astype(np.float32),
        "u": 10 * on_levels,
        "v": 5 * on_levels,
        "humidity": np.float32(0.002) + np.float32(0.001) * on_levels,
        "geopotential": (9.81 * heights[None, :, None, None] + 300 * on_levels).astype(np.float32),
        "surface_pressure": np.float32(100000.0) + 500 * wave,
        "t2m": 285 + 3 * wave,
        "rain_24h": np.abs(wave),
        "sigma": sigma,
        "latitude": latitude,
        "longitude": longitude,
        "surface_geopotential": still,
        "land": still,
    }


def main() -> int:
    folder, (first, last, kept) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    (folder / "runs.txt").open("a").write(f"{first} {last}\n")
    phase = np.zeros(3)
    if first:
        with np.load(folder / f"state_{first:05d}.npz") as state:
            phase = state["temperature_variation"]
    for number in range(first, last + 1):
        if os.environ.get("STAND_IN_DIES") == str(number):
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get("STAND_IN_FAILS") == str(number):
            print("values are no longer finite in a piece", file=sys.stderr)
            return 4
        if number >= kept:
            np.savez(folder / f"piece_{number:05d}.npz", **fields_of(float(phase[0])))
        phase = (phase * 1.7 + 0.1) % 1.0
        np.savez(folder / f"state_{number + 1:05d}.npz", temperature_variation=phase)
        print(json.dumps({"piece": number}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
