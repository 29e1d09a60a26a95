"""Fields are found by their headers alone, also several in one message, and damage is told with its place."""

from pathlib import Path

import eccodes
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.messages import MessagePlace, check_message, field_of, find_fields
from tests.data_catalog.sources.grib.writing import joined, message, on_level, write


def _named(found: bytes) -> str:
    handle = eccodes.codes_new_from_message(found)
    try:
        return str(eccodes.codes_get(handle, "shortName"))
    finally:
        eccodes.codes_release(handle)


def _values(found: bytes) -> np.ndarray:
    handle = eccodes.codes_new_from_message(found)
    try:
        return np.asarray(eccodes.codes_get_values(handle))
    finally:
        eccodes.codes_release(handle)


def _found(path: Path) -> list[tuple[MessagePlace, bytes]]:
    with path.open("rb") as file:
        return list(find_fields(file, str(path)))


def test_messages_of_both_editions_are_found(tmp_path: Path) -> None:
    messages = [message("2t"), message("msl", edition=1), on_level("z", 500)]
    path = write(tmp_path / "a.grib", messages[0], b"\0\r\nheading\r\n", *messages[1:])
    found = list(_found(path))
    assert [_named(header) for _, header in found] == ["2t", "msl", "z"]
    content = path.read_bytes()
    assert [content[place.start : place.start + place.length] for place, _ in found] == messages


def test_headers_hold_no_values(tmp_path: Path) -> None:
    grid = {"Ni": 300, "Nj": 200}
    values = np.arange(60_000.0)
    for edition in (1, 2):
        given = message("2t", edition=edition, values=values, grid=grid, bitmapPresent=1)
        ((place, header),) = _found(write(tmp_path / "a.grib", given))
        assert place.length == len(given) > 100_000
        assert len(header) < 250


def test_fields_of_one_message_are_told_apart(tmp_path: Path) -> None:
    winds = [on_level("u", 850), on_level("v", 850, shift=3.0)]
    both = joined(winds)
    found = list(_found(write(tmp_path / "a.grib", both)))
    assert [place for place, _ in found] == [MessagePlace(0, len(both), part) for part in (0, 1)]
    assert [_named(header) for _, header in found] == ["u", "v"]
    assert [_values(field_of(both, part)).tolist() for part in (0, 1)] == [_values(one).tolist() for one in winds]
    with pytest.raises(InvalidDataError, match="expected 3 fields, found 2"):
        field_of(both, 2)


def test_a_bitmap_may_serve_several_fields() -> None:
    values = np.where(np.arange(24) % 5, 280.0, 9999.0)
    first, second = (message(name, values=values, bitmapPresent=1) for name in ("2t", "2d"))
    section = first[: first.index(b"\xff\xff", 100)]
    bitmap = next(part for part in _sections(second) if part[4] == 6)
    shared = second.replace(bitmap, b"\0\0\0\6\6\xfe")
    both = joined([first, shared])
    assert section
    assert np.array_equal(_values(field_of(both, 1)), _values(second))


def _sections(found: bytes) -> list[bytes]:
    position, sections = 16, []
    while position < len(found) - 4:
        size = int.from_bytes(found[position : position + 4], "big")
        sections.append(found[position : position + size])
        position += size
    return sections


@pytest.mark.parametrize("edition", [1, 2])
def test_a_file_that_is_cut_off_is_refused(edition: int, tmp_path: Path) -> None:
    whole = message("2t", edition=edition)
    path = write(tmp_path / "a.grib", whole, whole[:-20])
    with pytest.raises(InvalidDataError, match=rf"a\.grib: message at byte {len(whole)}: expected .* cut off"):
        list(_found(path))


def test_another_edition_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", b"GRIB\0\0\0\3" + bytes(100))
    with pytest.raises(InvalidDataError, match="expected GRIB edition 1 or 2, found 3"):
        list(_found(path))


def test_sections_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    damaged = bytearray(message("2t"))
    damaged[16:20] = (10_000).to_bytes(4, "big")
    with pytest.raises(InvalidDataError, match="expected sections that fit into the message, found one of 10000 bytes"):
        list(_found(write(tmp_path / "a.grib", bytes(damaged))))


def test_a_large_message_of_edition_1_is_measured(tmp_path: Path) -> None:
    """Above 8 MB the length is coded in units of 120 bytes."""
    values = np.linspace(200.0, 300.0, 2400 * 1500)
    given = message("2t", edition=1, values=values, grid={"Ni": 2400, "Nj": 1500})
    assert len(given) > 2**23
    found = list(_found(write(tmp_path / "a.grib", given, message("msl", edition=1))))
    assert [place.start for place, _ in found] == [0, len(given)]


def test_what_has_not_arrived_whole_is_refused() -> None:
    whole = message("2t")
    check_message(whole, len(whole), "a.grib")
    for other in (whole[:-1], whole + b"x", b"<html>" + whole[6:], b""):
        with pytest.raises(InvalidDataError, match=f"a.grib: expected a GRIB message of {len(whole)} bytes"):
            check_message(other, len(whole), "a.grib")
