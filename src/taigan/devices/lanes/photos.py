"""What an emulated camera sees: a small JPEG of a car with its plate, drawn."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

SIZE = (640, 480)
PAINTS = ("#8d99ae", "#c44536", "#2f6690", "#e0e1dd", "#3d5a40", "#595959")


@lru_cache(256)
def photo_of(plate: str) -> bytes:
    """The picture of a car with that plate, always the same one; of an empty lane for an empty plate.

    The plate's first sign is left out where it is Chinese: no font for it comes with the library that draws.
    """
    width, height = SIZE
    picture = Image.new("RGB", SIZE, "#5d6570")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, 170), fill="#aebccb")
    draw.polygon([(200, 170), (440, 170), (620, height), (20, height)], fill="#4a4f57")
    draw.line([(320, 170), (320, height)], fill="#d8d8d8", width=4)
    draw.rectangle((0, 150, 40, height), fill="#e2b93b")
    if plate:
        paint = PAINTS[sum(map(ord, plate)) % len(PAINTS)]
        draw.rounded_rectangle((190, 120, 450, 250), 36, fill=paint)
        draw.rounded_rectangle((210, 138, 430, 222), 24, fill="#22303c")
        draw.rounded_rectangle((150, 210, 490, 400), 28, fill=paint)
        for left in (170, 412):
            draw.ellipse((left, 250, left + 58, 290), fill="#f6f2d4")
            draw.rounded_rectangle((left, 380, left + 58, 440), 10, fill="#1b1b1b")
        draw.rounded_rectangle((222, 318, 418, 368), 6, fill="#1d4ed8", outline="#f8fafc", width=3)
        shown = "".join(sign for sign in plate if sign.isascii())
        draw.text((320, 343), shown, fill="#f8fafc", font=ImageFont.load_default(32), anchor="mm")
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=75)
    return written.getvalue()
