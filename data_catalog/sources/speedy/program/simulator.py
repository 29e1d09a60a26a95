"""Runs the climate model SPEEDY (jcm) for some pieces of five days: a program of its own, without Plumecast.

    PYTHON simulator.py FOLDER FIRST LAST KEPT

Piece n covers the five days from 5 n days after the start of the simulation. From `state_FIRST.npz` of the folder (or
from rest, for piece 0) it runs to the end of piece LAST, writes `state_{n + 1}.npz` after each piece and, from piece
KEPT on, `piece_n.npz` before that, then prints a line of JSON. It ends when its standard input does.

Source: jcm 3.0.0 (Apache-2.0); Kucharski et al. (2013), doi:10.1175/BAMS-D-11-00238.1
"""

import dataclasses
import json
import os
import sys
import threading
import time
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jcm.forcing import ForcingData
from jcm.model import Model
from jcm.physics.speedy.speedy_coords import get_speedy_coords
from jcm.terrain import TerrainData

START = "1989-07-02"
"""Start from rest; half a year before the first day that is handed on."""
PIECES = 767
"""Pieces until the first moment of 2000: later years are never simulated."""
DAYS, STEP_MINUTES, STEPS_OF_6H = 5, 40, 9
_MEAN_PRESSURE_PA, _PRESSURE_AT_REST_PA, _REFERENCE_PA = 98530.0, 100225.0, 1e5
_NOT_FINITE = 4


def main() -> int:
    """Run the pieces that the arguments name; return the exit status."""
    folder, (first, last, kept) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    if not 0 <= first <= last < PIECES:
        print(f"expected pieces of 0 to {PIECES - 1}, found {first} to {last}", file=sys.stderr)
        return 2
    threading.Thread(target=_end_with_caller, daemon=True).start()
    model = Speedy()
    if first:
        model.restore(folder / f"state_{first:05d}.npz")
    for number in range(first, last + 1):
        started = time.process_time()
        fields = model.advance()
        if not all(np.isfinite(values).all() for values in fields.values()):
            print(f"values are no longer finite in piece {number}", file=sys.stderr)
            return _NOT_FINITE
        if number >= kept:
            save(folder / f"piece_{number:05d}.npz", fields)
        save(folder / f"state_{number + 1:05d}.npz", model.state())
        print(json.dumps({"piece": number, "cpu_s": round(time.process_time() - started, 2)}), flush=True)
    return 0


def _end_with_caller() -> None:
    while os.read(sys.stdin.fileno(), 1):  # not through sys.stdin, whose lock Python wants at its end
        pass
    os._exit(1)


def save(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays so that the file is whole or absent."""
    partial = path.with_name(f".{path.name}")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


class Speedy:
    """SPEEDY at T31 with 8 levels, above the climatological sea surface of jcm."""

    def __init__(self) -> None:
        data = resources.files("jcm") / "data/bc/t30/clim"
        coords = get_speedy_coords(spectral_truncation=31)
        terrain = TerrainData.from_file(str(data / "terrain.nc"), coords=coords)
        forcing = ForcingData.from_file(str(data / "forcing.nc"), coords=coords)
        self._model = Model(coords=coords, terrain=terrain, time_step=float(STEP_MINUTES), start_time=START)
        self._run = {"forcing": forcing, "save_interval": f"{STEP_MINUTES}min", "total_time": f"{DAYS}D"}
        self._grid = coords.horizontal
        self._fixed = {
            "sigma": np.asarray(coords.vertical.centers, np.float32),
            "latitude": np.rad2deg(np.asarray(self._grid.latitudes, np.float64)),
            "longitude": np.rad2deg(np.asarray(self._grid.longitudes, np.float64)),
            "surface_geopotential": np.asarray(terrain.phis0, np.float32),
            "land": np.asarray(terrain.fmask, np.float32),
        }
        self._rain_before: Any = None

    def advance(self) -> dict[str, Any]:
        """Run for a piece; return its fields of every 12 h, dims (time[, level], longitude, latitude)."""
        if self._rain_before is None:
            # At rest jcm has 1002 hPa at the ground on average, and real terrain 985: z500 would be 120 m too high.
            start = self._with_pressure(self._model.initial_state(), _PRESSURE_AT_REST_PA)
            made = self._model.run(initial_state=start, **self._run)
        else:
            made = self._model.resume(**self._run)
        fields = self._fields(made)
        self._keep_mass(fields["surface_pressure"][-1])
        return {**fields, **self._fixed}

    def _fields(self, made: Any) -> dict[str, Any]:
        def every_12h(values: Any) -> Any:
            return np.asarray(values, np.float32)[2 * STEPS_OF_6H - 1 :: 2 * STEPS_OF_6H]

        names = {"temperature": "temperature", "u": "u_wind", "v": "v_wind", "humidity": "specific_humidity",
                 "geopotential": "geopotential"}  # fmt: skip
        pressure = every_12h(made.dynamics.normalized_surface_pressure) * np.float32(_REFERENCE_PA)
        return {
            **{name: every_12h(getattr(made.dynamics, its)) for name, its in names.items()},
            "surface_pressure": pressure[:, 0] if pressure.ndim == 4 else pressure,
            "t2m": every_12h(made.physics["_surface_flux"].t0),
            "rain_24h": self._rain(np.asarray(made.physics["surface_exchange"].precipitation, np.float32)),
        }

    def _rain(self, rates: Any) -> Any:
        """Rain of the 24 h before every 12 h, from kg m-2 s-1 of each step."""
        of_6h = rates.reshape(-1, STEPS_OF_6H, *rates.shape[1:]).sum(1) * np.float32(STEP_MINUTES * 60)
        before = np.repeat(of_6h[:1], 3, 0) if self._rain_before is None else self._rain_before
        self._rain_before = of_6h[-3:]
        every = np.concatenate([before, of_6h])
        return np.stack([every[end - 4 : end].sum(0) for end in range(5, len(every) + 1, 2)])

    def _keep_mass(self, pressure: Any) -> None:
        """Bring the mean pressure at the ground back to what it was: jcm gains about 85 Pa a year."""
        weights = np.cos(np.deg2rad(self._fixed["latitude"]))
        mean = float((pressure.astype(np.float64).mean(0) * weights).sum() / weights.sum())
        run = self._model.run_state
        self._record(run, self._with_pressure(run.dynamics, mean))

    def _with_pressure(self, dynamics: Any, mean: float) -> Any:
        shape = len(self._fixed["longitude"]), len(self._fixed["latitude"])
        added = self._grid.to_modal(jnp.full(shape, np.log(_MEAN_PRESSURE_PA / mean)))
        return dataclasses.replace(dynamics, log_surface_pressure=dynamics.log_surface_pressure + added)

    def _record(self, run: Any, dynamics: Any) -> None:
        self._model._record_state(dynamics, run.physics, run.time, run.step)

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on, by name."""
        named = {name: np.asarray(leaf) for name, leaf in _named(self._model.run_state)}
        return {**named, "rain_before": self._rain_before}

    def restore(self, path: Path) -> None:
        """Go back to a state."""
        self._model.bootstrap_state()
        template = self._model.run_state
        with np.load(path) as saved:
            values = [jnp.asarray(saved[name]) for name, _ in _named(template)]
            self._rain_before = saved["rain_before"]
        run = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(template), values)
        self._record(run, run.dynamics)


def _named(run: Any) -> list[tuple[str, Any]]:
    """Return the arrays of a state by their place in it; that of the temperature, which branches perturb, by name."""
    leaves = jax.tree_util.tree_flatten_with_path(run)[0]
    temperature = run.dynamics.temperature_variation
    return [
        ("temperature_variation" if leaf is temperature else jax.tree_util.keystr(path), leaf) for path, leaf in leaves
    ]


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(main())
