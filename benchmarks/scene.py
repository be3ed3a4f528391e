"""What every contestant serves: 200 lots with five lanes each, one vendor, one key; and the messages sent to them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import count

from taigan import bolink

UNION_ID = "200002"
KEY = "0123456789ABCDEF0123456789ABCDEF"
PARKS = [f"{number:03d}" for number in range(200)]
CHANNELS = ["A1", "A2", "A3", "A4", "A5"]
LANES = [(park, channel) for channel in CHANNELS for park in PARKS]
SPACES = 10_000_000


def lot_id(park_id: str) -> str:
    """The lot's name in the platform."""
    return f"{UNION_ID}-{park_id}"


def messages(licences: Iterator[str], lanes: Sequence[tuple[str, str]] = LANES) -> list[bytes]:
    """One signed `nolicence_in_park` (5.7) for each lane, each from another driver."""
    now = int(time.time())
    made = []
    for park_id, channel_id in lanes:
        licence = next(licences)
        text = json.dumps(
            {
                "service_name": "nolicence_in_park",
                "park_id": park_id,
                "union_id": int(UNION_ID),
                "channel_id": channel_id,
                "car_number": licence,
                "pay_user_id": f"o6_bmjrPTlm6_2sgVt7hMZO{licence}",
                "timetemp": now,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        made.append(bolink.seal(text.encode(), KEY))
    return made


def licences(first: int = 0) -> Iterator[str]:
    """Numbers of drivers without a plate, seven characters each, never one twice."""
    return (f"{number:07X}" for number in count(first))
