"""Pictures are made small by a process of their own: whatever a stranger sends costs that process alone."""

from __future__ import annotations

import asyncio
import io
import struct
import time
import zlib
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from taigan.devices.lanes.photos import photo_of
from taigan.pictures.scaler import NotAPicture, Scaler
from taigan.pictures.scaling import LARGE, SMALL


@pytest.fixture(scope="module")
async def scaler() -> AsyncIterator[Scaler]:
    running = Scaler(within=100.0)
    yield running
    await running.stop()


def jpeg(width: int, height: int, **saved: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), "#336699").save(written, "JPEG", **saved)
    return written.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of a few bytes that would fill the memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")
    )


async def test_a_picture_comes_back_twice_smaller_and_without_what_else_the_file_said(scaler: Scaler) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where the camera hangs"
    large, small = await scaler.scale(jpeg(2560, 1440, exif=exif))
    for picture, (width, height) in ((large, LARGE), (small, SMALL)):
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.format == "JPEG"
            assert opened.size[0] == width
            assert opened.size[1] <= height
        assert b"where the camera hangs" not in picture


async def test_a_small_picture_is_not_made_larger(scaler: Scaler) -> None:
    large, _ = await scaler.scale(jpeg(200, 100))
    assert Image.open(io.BytesIO(large)).size == (200, 100)


@pytest.mark.parametrize(
    ("stranger", "why"),
    [
        (b"", "cannot be read"),
        (b"GIF89a", "cannot be read"),
        (b"\xff\xd8\xff\xe0 a picture \xff\xd9", "cannot be read"),
        (photo_of("粤B12345")[:900], "cannot be read"),
        (png_that_says(30_000, 30_000), "30000 x 30000 pixels"),
        (b"\x89PNG\r\n\x1a\n" + bytes(4_000_000), "cannot be read"),
    ],
    ids=["nothing", "gif", "no jpeg", "half", "bomb", "zeros"],
)
async def test_what_is_no_picture_is_refused_and_the_next_one_is_taken(
    scaler: Scaler, stranger: bytes, why: str
) -> None:
    with pytest.raises(NotAPicture, match=why):
        await scaler.scale(stranger)
    assert (await scaler.scale(photo_of("粤B12345"))).small


async def test_a_picture_that_takes_too_long_is_given_up_and_the_next_one_has_a_fresh_process() -> None:
    hurried = Scaler(within=0.0)
    with pytest.raises(NotAPicture, match="it took more"):
        await hurried.scale(jpeg(4000, 3000))
    hurried._within = 100.0
    assert (await hurried.scale(photo_of("粤B12345"))).large
    await hurried.stop()
    await hurried.stop()


async def test_the_loop_goes_on_while_a_picture_is_read(scaler: Scaler) -> None:
    await scaler.scale(photo_of(""))
    began, turns = time.process_time(), 0
    scaling = asyncio.create_task(scaler.scale(jpeg(6000, 5000)))
    while not scaling.done():
        await asyncio.sleep(0)
        turns += 1
    spent = time.process_time() - began
    assert turns > 10
    assert spent / turns < 0.02, "of this process's own time a turn takes less than 20 ms"
    assert (await scaling).large
