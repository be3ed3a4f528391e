"""For how long what a stranger sends holds the event loop: the longest single step at each door, in ms of CPU.

    .venv/bin/python -m benchmarks.doors [--out benchmarks/results/doors.json]

The lot's doors are the real application over an empty SQLite database, the hub's are the real hub; each gets the bytes
of `tests/web/test_every_door.py` and bodies as large as it takes. A step is what the loop runs without coming back,
the client's own part of it included; each is repeated, and the least of the rounds counts, since a busy machine only
adds. Aim: 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from asyncio.events import Handle
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from hub.sides import FakeLot, running_side, serving_lot  # noqa: E402
from support.clock import ManualClock  # noqa: E402
from support.parking import Parking  # noqa: E402
from taigan.storage.database import open_database  # noqa: E402
from web.house import client_of, house_at  # noqa: E402
from web.test_every_door import DEVICE, LOT_DOORS, NOISE, camera, nobody_waits  # noqa: E402

AIM = 20.0
ROUNDS = 5
LARGE = [
    b'{"data":{"a":"' + b"a" * 65_000 + b'"},"sign":"0","union_id":"200002"}',
    b'{"data":{' + b",".join(b'"%d":%d' % (n, n) for n in range(4000)) + b'},"sign":"0","union_id":"200002"}',
    b"[" * 30_000 + b"]" * 30_000,
    b"&".join(b"%d=%%E4" % n for n in range(7000)),
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1200,
]
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b")


class Longest:
    """The longest step of the loop since `begin`."""

    def __init__(self) -> None:
        self.ms = 0.0
        run = Handle._run

        def timed(handle: Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.ms = max(self.ms, (time.thread_time() - began) * 1000)

        Handle._run = timed  # type: ignore[method-assign]


async def asked(client: Any, longest: Longest, address: str) -> float:
    worst = 0.0
    for body in (*NOISE, *LARGE):
        for kind in KINDS:
            rounds = []
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
                longest.ms = 0.0
                await client(address, body, kind)
                await asyncio.sleep(0)  # what ran without a pause is one step, and it ends here
                rounds.append(longest.ms)
            worst = max(worst, min(rounds))
    return worst


async def measured(folder: Path) -> dict[str, float]:
    longest, found = Longest(), {}
    database = await open_database(f"sqlite:///{folder / 'lot.sqlite3'}")
    house = await house_at(database, devices=camera(), sleep=nobody_waits)
    async with client_of(house, None) as http:

        async def to_lot(address: str, body: bytes, kind: str) -> None:
            await http.post(address, content=body, headers={"content-type": kind})

        for name, (addresses, _) in LOT_DOORS.items():
            found[f"lot /{name}"] = max([await asked(to_lot, longest, address) for address in addresses])
        found["lot /devices, with the secret"] = await asked(to_lot, longest, DEVICE)
    await database.close()
    database = await open_database(f"sqlite:///{folder / 'street.sqlite3'}")
    street = await Parking(database).open()

    async def to_callbacks(address: str, body: bytes, kind: str) -> None:
        await street.platform.callbacks.answer(body)

    found["lot /bolink, what checks signatures"] = await asked(to_callbacks, longest, "")
    await street.platform.stop()
    await database.close()
    async with serving_lot(FakeLot()) as lot, running_side(folder, ManualClock(), lot.url) as side:

        async def to_hub(address: str, body: bytes, kind: str) -> None:
            headers = {"content-type": kind, "connection": "close"}
            async with side.http.post(side.url + address, data=body, headers=headers) as answer:
                await answer.read()

        for address in ("/admin/login", "/simulated/wechat"):
            found[f"hub {address}"] = await asked(to_hub, longest, address)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path)
    out: Path | None = arguments.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(Path(folder)))
    for door, ms in found.items():
        print(f"{door:40}{ms:8.1f} ms{'' if ms <= AIM else '  more than it may'}")
    if out is not None:
        out.write_text(json.dumps({"ms": found, "aim": AIM}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
