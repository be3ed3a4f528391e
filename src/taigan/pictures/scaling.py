"""A process that makes pictures small: one on its standard input, two on its standard output, until that ends.

A stranger's file is read here and nowhere else. Whatever it does to the decoder (a picture that is small as a file and
large as memory, a fault in a library) costs this process, which has bounds on both, and no car waits for it.

    in    the length in four bytes, the picture
    out   one byte: 1 and the large and the small JPEG, each after its length; or 0 and, after its length, why not
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
from typing import BinaryIO

from PIL import Image

from taigan.pictures.framing import LENGTH

LARGE = (1280, 960)
SMALL = (320, 240)
MOST_PIXELS = 32_000_000
"""A picture with more is refused before any of it is decoded."""
MOST_MEMORY = 1024 * 1024 * 1024
QUALITY = 80


def scaled(picture: bytes) -> tuple[bytes, bytes]:
    """The picture as a large and a small JPEG, without whatever else the file says. Raises ValueError."""
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"it has {width} x {height} pixels")
            opened.draft("RGB", LARGE)
            whole = opened.convert("RGB")
    except ValueError:
        raise
    except Exception as error:  # a decoder's complaints are of many kinds
        raise ValueError(f"it cannot be read: {type(error).__name__}") from None
    return _jpeg(whole, LARGE), _jpeg(whole, SMALL)


def _jpeg(picture: Image.Image, most: tuple[int, int]) -> bytes:
    smaller = picture.copy()
    smaller.thumbnail(most, reducing_gap=2.0)
    written = io.BytesIO()
    smaller.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def serve(given: BinaryIO, told: BinaryIO) -> None:
    """Make small what is given until nothing more comes."""
    while len(head := given.read(LENGTH.size)) == LENGTH.size:
        [length] = LENGTH.unpack(head)
        picture = given.read(length)
        if len(picture) < length:
            return
        try:
            parts = [b"\1"]
            for part in scaled(picture):
                parts += LENGTH.pack(len(part)), part
        except (ValueError, MemoryError) as error:
            said = (str(error) or "it needs too much memory").encode()
            parts = [b"\0", LENGTH.pack(len(said)), said]
        told.write(b"".join(parts))
        told.flush()


def main() -> None:
    """The process: less important than the lanes, and bounded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its end is the end of its input
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    os.nice(10)
    Image.MAX_IMAGE_PIXELS = None  # `scaled` looks at the size, and says what it is
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
