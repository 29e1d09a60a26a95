"""Figures that are drawn only if what they show has changed: each file holds a digest of all that it was drawn from."""

import hashlib
import zlib
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from pathlib import Path

import matplotlib as mpl
import xarray as xr

from data_catalog.storage.atomic_files import atomic_path

_KEYWORD = b"plumecast-drawn-from\0"
_DIGEST_CHARACTERS = 64
_END = bytes.fromhex("0000000049454e44ae426082")
"""The chunk that ends each PNG."""


def drawn_or_kept(draw: "partial[Path]", out: Path) -> Path:
    """Draw a figure, unless the file is there and was drawn from the same.

    Args:
        draw: Draws the figure into the file that it is given; its arguments are all that the figure shows.
        out: Path of the PNG to create, replace or keep.

    Returns:
        `out`.
    """
    chunk = _chunk(_digest_of(draw))
    if out.is_file() and _tail(out, len(chunk)) == chunk:
        return out
    content = draw(out).read_bytes()
    with atomic_path(out) as unfinished:
        unfinished.write_bytes(content.removesuffix(_END) + chunk + _END)
    return out


def _digest_of(draw: "partial[Path]") -> str:
    """Return the digest of all that a figure shows, and of the code that draws it."""
    digest = hashlib.sha256(f"{_code_digest()} {draw.func.__name__}".encode())
    for each in (*draw.args, *sorted(draw.keywords), *(draw.keywords[name] for name in sorted(draw.keywords))):
        _add(digest, each)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", shown: object) -> None:
    """Add data to a digest: arrays by their values, what is made of parts by its parts, and the rest by its text."""
    if isinstance(shown, xr.DataArray):
        digest.update(repr((shown.name, shown.dims, shown.shape, str(shown.dtype))).encode())
        digest.update(shown.values.tobytes())
        for coordinate in sorted(map(str, shown.coords)):
            digest.update(f"{coordinate} {shown[coordinate].dims}".encode() + shown[coordinate].values.tobytes())
    elif isinstance(shown, xr.Dataset):
        for name in shown.data_vars:
            _add(digest, shown[name])
    elif is_dataclass(shown):
        for field in fields(shown):
            _add(digest, getattr(shown, field.name))
    else:
        digest.update(repr(shown).encode())


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Digest of this package's code and of Matplotlib's version."""
    digest = hashlib.sha256(mpl.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _chunk(digest: str) -> bytes:
    """Return the digest as a text chunk of a PNG."""
    assert len(digest) == _DIGEST_CHARACTERS
    body = b"tEXt" + _KEYWORD + digest.encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def _tail(path: Path, count: int) -> bytes:
    """Return the last bytes of a PNG before its end."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count - len(_END)))
        return file.read(count)
