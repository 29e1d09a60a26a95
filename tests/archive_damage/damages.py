"""Random damages to an archive: what disks, people and killed processes do to files.

The `archive` of a damage is the directory that holds the archive and perhaps its twin.
"""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Damage = Callable[[random.Random, Path, "Earlier"], str]


@dataclass(frozen=True)
class Earlier:
    """The files of an earlier state of the archive, by name."""

    files: dict[str, bytes]


def delete_a_file(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Delete any file."""
    path = rng.choice(files(archive))
    path.unlink()
    return str(path.relative_to(archive))


def delete_a_folder(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Delete a channel, a static field or a coordinate."""
    path = rng.choice(sorted(path for path in archive.glob("*/*") if path.is_dir()))
    shutil.rmtree(path)
    return str(path.relative_to(archive))


def truncate(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Cut a file short."""
    path = rng.choice(files(archive))
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])
    return str(path.relative_to(archive))


def flip_bits(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Flip one to three bits of a file."""
    path = rng.choice(files(archive))
    content = bytearray(path.read_bytes())
    for at in rng.sample(range(len(content)), min(len(content), rng.randint(1, 3))):
        content[at] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return str(path.relative_to(archive))


def overwrite(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Overwrite a run of bytes with zeros, as a file system does after a crash."""
    path = rng.choice(files(archive))
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content))
    stop = start + rng.randint(1, len(content) - start)
    content[start:stop] = bytes(stop - start)
    path.write_bytes(content)
    return str(path.relative_to(archive))


def append(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Append bytes to a file."""
    path = rng.choice(files(archive))
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randint(1, 40)))
    return str(path.relative_to(archive))


def swap_two_files(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Swap two chunks, or any two files of different content."""
    chosen = [path for path in files(archive) if path.name.startswith("c.") or rng.random() < 0.3]
    before = content = b""
    while before == content:  # the twin has the same coordinates, and the ledger a copy
        one, other = rng.sample(chosen, 2)
        before, content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content)
    other.write_bytes(before)
    return f"{one.relative_to(archive)} and {other.relative_to(archive)}"


def put_back_an_earlier_file(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Put back a file as it was before the last ingest: metadata, a chunk, or the ledger."""
    changed = [name for name, content in earlier.files.items() if (archive / name).read_bytes() != content]
    name = rng.choice(sorted(changed))
    (archive / name).write_bytes(earlier.files[name])
    return name


def edit_ledger_lines(rng: random.Random, archive: Path, earlier: Earlier) -> str:
    """Lose, repeat, move or alter a line of the ledger, with a checksum that is right where the line alone counts."""
    (path,) = archive.glob(f"*/{rng.choice(['ledger.jsonl', 'ledger.copy.jsonl'])}")
    lines = path.read_bytes().splitlines(keepends=True)
    kind, at = rng.choice(["lose", "repeat", "move", "alter"]), rng.randrange(len(lines))
    if kind == "lose":
        del lines[at]
    elif kind == "repeat":
        lines.insert(rng.randrange(len(lines) + 1), lines[at])
    elif kind == "move":
        line = lines.pop(at)
        places = [place for place in range(len(lines) + 1) if place != at]
        lines.insert(rng.choice(places), line)
    else:
        lines[at] = lines[at].replace(b"2001-01", b"2002-01", 1) if b"2001-01" in lines[at] else lines[at][:-2] + b"\n"
    path.write_bytes(b"".join(lines))
    return f"{kind} line {at} of {path.name}"


DAMAGES: tuple[Damage, ...] = (
    delete_a_file,
    delete_a_folder,
    truncate,
    flip_bits,
    overwrite,
    append,
    swap_two_files,
    put_back_an_earlier_file,
    edit_ledger_lines,
)


def files(archive: Path) -> list[Path]:
    """All files of an archive and its twin, sorted by name; locks, which lie beside, are none."""
    return sorted(path for path in archive.rglob("*") if path.is_file() and path.suffix != ".lock")


def contents(archive: Path) -> dict[str, bytes]:
    """The bytes of each file of an archive, by name."""
    return {str(path.relative_to(archive)): path.read_bytes() for path in files(archive)}
