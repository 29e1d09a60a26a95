"""Spoils files: bytes of any file, values of JSON and TOML, structure of NetCDF. Everything is drawn from a seed."""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

Mutation = Callable[[Path, random.Random], None]
_DEEP = 20_000
ESCAPES = ["../../../escaped", "/tmp/plumecast-escaped", "..", "a/../../b", "C:\\x", "nul\0byte", "~root/x"]
VALUES: list[Any] = [
    None, True, -1, 0, 1.5, 1e308, -1e308, 10**30, float("nan"), float("inf"), "", " ", "x" * 1_000_000, [], {}, [[]],
    {"a": 1}, "2008-13-45", "9999-01-01", "\u202e\u0000", [None], list(range(1000)), *ESCAPES,
]  # fmt: skip


def truncated(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content) or 1)])


def flipped(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 8, 64])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def cut_out(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    first = rng.randrange(len(content))
    path.write_bytes(content[:first] + content[first + rng.randrange(1, 200) :])


def put_in(path: Path, rng: random.Random) -> None:
    content, at = path.read_bytes(), rng.randrange(path.stat().st_size)
    path.write_bytes(content[:at] + rng.randbytes(rng.randrange(1, 200)) + content[at:])


def replaced(path: Path, rng: random.Random) -> None:
    """Something else altogether has the name of the file."""
    what = rng.randrange(7)
    if what == 0:
        path.unlink()
        path.mkdir()
    elif what == 1:
        path.unlink()
        path.symlink_to("/dev/zero" if rng.random() < 0.5 else path)
    else:
        contents = [b"", bytes(4096), rng.randbytes(4096), b"\xff\xfe" + "a = 1".encode("utf-16-le"), b"[" * _DEEP]
        path.write_bytes(contents[what - 2])


def lines_mixed(path: Path, rng: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(3)
    if action == 0:
        del lines[first]
    elif action == 1:
        lines.insert(first, lines[second])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    path.write_bytes(b"".join(lines))


def json_value(path: Path, rng: random.Random) -> None:
    """One value of a JSON file, or of a line of JSON lines, is another one."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    chosen = rng.randrange(len(lines))
    content = json.loads(lines[chosen])
    places = list(_places(content))
    holder, key = rng.choice(places)
    action = rng.randrange(6)
    if action == 0 and isinstance(holder, dict):
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[rng.choice([*ESCAPES, "unknown", ""])] = holder.pop(key)
    elif action == 2:
        text = json.dumps(content)
        lines[chosen] = text.replace(json.dumps(holder[key]), "[" * _DEEP + "]" * _DEEP, 1)
        path.write_text("\n".join(lines))
        return
    else:
        holder[key] = rng.choice(VALUES)
    lines[chosen] = json.dumps(content)
    path.write_text("\n".join(lines))


def toml_value(path: Path, rng: random.Random) -> None:
    """One value of a TOML file is another one, or a key has another name, or stands twice."""
    lines = path.read_text().splitlines()
    numbers = [number for number, line in enumerate(lines) if re.match(r"\w+ *=", line)]
    number = rng.choice(numbers)
    key = lines[number].partition("=")[0].strip()
    action = rng.randrange(5)
    if action == 0:
        del lines[number]
    elif action == 1:
        lines[number] = lines[number].replace(key, rng.choice(["unknown", '"../x"', "a.b.c", '""']), 1)
    elif action == 2:
        lines.insert(number, lines[number])
    else:
        value = rng.choice(VALUES)
        lines[number] = f"{key} = {_in_toml(value)}"
    path.write_text("\n".join(lines) + "\n", errors="surrogatepass")


def netcdf_attribute(path: Path, rng: random.Random) -> None:
    with netCDF4.Dataset(path, "r+") as stored:
        holder = rng.choice([stored, *stored.variables.values()])
        names = [name for name in holder.ncattrs() if name != "_FillValue"] or ["units"]
        name = rng.choice(
            [*names, "units", "calendar", "coordinates", "grid_mapping", "bounds", "scale_factor", "missing_value"]
        )
        value = rng.choice(
            ["", "x" * 100_000, "../../x", "days since 0000-00-00", "\u202e", 1e308, -1, np.nan, np.arange(50)]
        )
        holder.setncattr(name, value)


def netcdf_values(path: Path, rng: random.Random) -> None:
    with netCDF4.Dataset(path, "r+") as stored:
        stored.set_auto_maskandscale(False)
        variable = rng.choice([one for one in stored.variables.values() if one.dtype is not str and one.size])
        values = np.asarray(variable[...])
        wanted = rng.choice([np.nan, np.inf, -1e30, 1e30, 0, -1])
        flat = values.reshape(-1).copy()
        with np.errstate(all="ignore"):
            flat[rng.randrange(flat.size) :] = np.asarray(wanted).astype(values.dtype)
        variable[...] = flat.reshape(values.shape)


def netcdf_name(path: Path, rng: random.Random) -> None:
    with netCDF4.Dataset(path, "r+") as stored:
        if rng.random() < 0.5:
            stored.renameVariable(rng.choice(list(stored.variables)), rng.choice(["other", "time", "x y", "é"]))
        else:
            stored.renameDimension(rng.choice(list(stored.dimensions)), rng.choice(["other", "x y", "é"]))


def netcdf_absurd(path: Path, rng: random.Random) -> None:
    """Each field seems to have a dimension of a billion or more; the file has a few kilobytes."""
    source = path.with_suffix(".source")
    shutil.move(path, source)
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(path, "w") as new:
        long = rng.choice(list(old.dimensions))
        for name, dimension in old.dimensions.items():
            new.createDimension(name, rng.choice([10**9, 2**40]) if name == long else dimension.size)
        new.setncatts({name: old.getncattr(name) for name in old.ncattrs()})
        for name, variable in old.variables.items():
            chunks = [min(16, new.dimensions[one].size) for one in variable.dimensions] or None
            made = new.createVariable(name, variable.dtype, variable.dimensions, zlib=bool(chunks), chunksizes=chunks)
            made.setncatts({one: variable.getncattr(one) for one in variable.ncattrs() if one != "_FillValue"})
            if long not in variable.dimensions:
                made[...] = variable[...]
    source.unlink()


BYTES: list[Mutation] = [truncated, flipped, cut_out, put_in, replaced]
TEXT: dict[str, list[Mutation]] = {
    ".json": [*BYTES, json_value, json_value, json_value],
    ".jsonl": [*BYTES, lines_mixed, json_value, json_value],
    ".toml": [*BYTES, lines_mixed, toml_value, toml_value, toml_value, toml_value],
    ".nc": [*BYTES, netcdf_attribute, netcdf_values, netcdf_name, netcdf_absurd],
}


def mutate(path: Path, rng: random.Random) -> str:
    """Spoil a file; return the name of what was done."""
    chosen = rng.choice(TEXT.get(path.suffix, BYTES))
    try:
        chosen(path, rng)
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:  # the library writes no such thing
        flipped(path, rng)
        return f"flipped instead of {chosen.__name__}: {error}"
    return chosen.__name__


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder and key or index of a JSON value."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else []
    for key in keys:
        yield content, key
        yield from _places(content[key])


def _in_toml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return {"nan": "nan", "inf": "inf"}.get(repr(value), repr(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_in_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_toml, value)) + "]"
    return json.dumps(value)
