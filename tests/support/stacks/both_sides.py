"""The lot platform and BoLink's side in one loop, each behind its own socket, with one clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, Side, running_side
from support.clock import PATIENCE, ManualClock
from support.lot.exits import with_tariff
from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.bolink import seal
from taigan.lot.policy import Policy
from taigan.lot.setup import LaneSetup, LotSetup
from taigan.network.transport import AiohttpTransport
from taigan.storage.database import open_database
from taigan.storage.setup import registry
from taigan.storage.setup.registry import Token
from taigan.web import tokens
from taigan.web.app import build
from taigan.web.asgi import App, Receive, Scope, Send
from taigan.web.console.signing.accounts import Accounts
from web.house import served

API_TOKEN = "a token of sixteen or more characters"
BY = {"operator": "王芳", "reason": "the driver called"}
SEES_ALL = {"sight": "ack position detector"}
PLATE = "京A12345"
LOT = LotSetup(
    union_id=UNION_ID,
    park_id=PARK_ID,
    name="上地停车场",
    spaces=50,
    lanes=[
        LaneSetup(channel_id="A1", barrier=SEES_ALL),
        LaneSetup(channel_id="B1", direction="exit", barrier=SEES_ALL),
    ],
)


class _Later:
    """Takes requests for an application that is built once its address is known."""

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class Both:
    """Both sides, as a person at each sees them."""

    street: Parking
    hub: Side
    clock: ManualClock
    http: httpx.AsyncClient
    callback_url: str

    async def lot(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        """The lot's API."""
        sent = {"json": body} if method not in ("GET", "DELETE") else {"params": body}
        answer = await self.http.request(method, f"/api/v1/lots/{LOT_ID}{path}", **sent)
        return answer.status_code, answer.json() if answer.content else None

    async def act(self, path: str, method: str = "POST", **body: Any) -> Any:
        """Something a person does; it must be taken."""
        status, said = await self.lot(method, path, **{**BY, **body})
        assert status in (200, 201), said
        return said

    async def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        status, said = await self.lot("GET", path, **query)
        assert status == 200, said
        found: list[dict[str, Any]] = said["items"]
        return found

    async def records(self, kind: str) -> list[dict[str, Any]]:
        """What BoLink's side holds."""
        found: list[dict[str, Any]] = (await self.hub.get(f"/admin/records/{kind}"))["items"]
        return found

    async def moves(self, record: dict[str, Any], state: str) -> None:
        """A person at BoLink moves a record on."""
        status, said = await self.hub.admin("POST", f"/admin/records/{record['id']}/state", json={"state": state})
        assert status == 200, said

    async def arranges(self, **arranged: Any) -> None:
        status, said = await self.hub.admin("PUT", f"/admin/lots/{LOT_ID}/arrangements", json=arranged)
        assert status == 200, said

    async def arrivals(self, section: str) -> list[dict[str, Any]]:
        """What the lot sent of one section, newest first."""
        every = (await self.hub.get("/admin/arrivals?limit=100"))["items"]
        return [one for one in every if one["section"] == section]

    async def push(self, service_name: str, **data: Any) -> dict[str, Any]:
        """A message of BoLink's, signed, straight to the lot."""
        message = {"service_name": service_name, "union_id": int(UNION_ID), "park_id": PARK_ID} | data
        text = json.dumps({k: v for k, v in message.items() if v is not None}, ensure_ascii=False).encode()
        async with self.hub.http.post(self.callback_url, data=seal(text, KEY)) as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, Any] = json.loads(await answer.read())
            return said

    async def until(self, *wanted: Any, of: Any) -> Any:
        """What `of` gives once it is one of these."""
        async with asyncio.timeout(PATIENCE):
            while (found := await of()) not in wanted:
                await asyncio.sleep(0.01)
        return found

    async def enters(self, plate: str = PLATE, channel_id: str = "A1") -> dict[str, Any]:
        """A car with a plate comes in, and its entry reaches BoLink."""
        car = await self.street.arrives(channel_id, LOT_ID)
        await self.street.barrier(channel_id, LOT_ID).report(EventKind.PLATE, car, plate=plate)
        await self.street.settled()
        await self.street.passes(car, channel_id, LOT_ID)
        [order] = [one for one in await self.items("/orders", car_number=plate) if one["state"] == "in"]
        await self.delivered()
        return order

    async def delivered(self) -> None:
        """Everything that is owed to BoLink has been sent."""
        for _ in range(20):
            await self.street.platform.courier.look()
            await self.street.platform.courier.sent()
            self.clock.advance(1)
            if not await self.items("/deliveries", state="pending"):
                return
        raise AssertionError(await self.items("/deliveries", state="pending"))

    async def pays_by_phone(self, plate: str = PLATE, **other: str) -> str:
        """The driver pays on the phone, inside the lot, or another `amount` in yuan; BoLink's number of it."""
        asked = {"lot_id": LOT_ID, "car_number": plate, "driver": "li"}
        status, scan = await self.hub.admin("POST", "/admin/prepays", json=asked)
        assert status == 200, scan
        await self.hub.settled(scan["scan_id"])
        status, paid = await self.hub.admin("POST", f"/admin/scans/{scan['scan_id']}/pay", json=other)
        assert (status, paid.get("shown")) == (200, "paid"), (await self.hub.shown(scan["scan_id"]), paid)
        return str(paid["trade_no"])

    async def pays_inside(self, plate: str = PLATE, **other: str) -> dict[str, Any]:
        """The same; the lot's payment."""
        trade_no = await self.pays_by_phone(plate, **other)

        async def booked() -> bool:
            return any(one["trade_no"] == trade_no for one in await self.items("/payments"))

        await self.until(True, of=booked)
        return next(one for one in await self.items("/payments") if one["trade_no"] == trade_no)

    async def at_exit(self, plate: str = PLATE) -> str:
        """A car drives to B1 and its plate is read; its presence_id."""
        car = await self.street.arrives("B1", LOT_ID)
        await self.street.barrier("B1", LOT_ID).report(EventKind.PLATE, car, plate=plate)
        await self.street.settled()
        return car

    async def leaves(self, plate: str = PLATE) -> None:
        """A car that owes nothing leaves by B1, and its exit reaches BoLink."""
        car = await self.at_exit(plate)
        await self.street.passes(car, "B1", LOT_ID)
        await self.delivered()

    async def due(self, order: dict[str, Any]) -> int:
        """What a stay that goes on owes now."""
        status, said = await self.lot("GET", f"/orders/{order['order_id']}")
        assert status == 200, said
        return int(said["bill"]["due_fen"])

    async def bill(self, order: dict[str, Any]) -> dict[str, Any]:
        status, said = await self.lot("GET", f"/orders/{order['order_id']}/bill")
        assert status == 200, said
        found: dict[str, Any] = said
        return found


@asynccontextmanager
async def both_sides(folder: Path, url: str = "", policy: Policy | None = None) -> AsyncIterator[Both]:
    """Both, without anything that runs by itself at the lot: the test lets it look."""
    clock, later = ManualClock(), _Later()
    database = await open_database(url or f"sqlite:///{folder / 'lot.sqlite3'}")
    async with AiohttpTransport() as transport, served(later) as port:
        callback_url = f"http://127.0.0.1:{port}/bolink"
        async with running_side(folder, clock, callback_url) as hub:
            policy = msgspec.structs.replace(policy or Policy(), notify_url=callback_url)
            street = Parking(database, clock=clock, policy=policy, transport=transport, hub_url=hub.url)
            platform = street.platform
            later.app = build(
                database=database,
                callbacks=platform.callbacks,
                attendant=platform.attendant,
                plates=platform.plates,
                leaving=platform.leaving,
                errands=platform.errands,
                reconciling=platform.reconciling,
                city=platform.city,
                community=platform.community,
                lanes=platform.lanes,
                events=platform.events,
                metrics=platform.metrics,
                clock=clock,
                accounts=Accounts(database, clock, policy),
            )
            token = Token("console", tokens.digest_of(API_TOKEN), clock.now())
            await database.write(lambda conn: registry.add_token(conn, token))
            await street.open([LOT])
            await with_tariff(street, lot_id=LOT_ID)
            headers = {"authorization": f"Bearer {API_TOKEN}"}
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE, verify=False
            ) as http:  # by HTTP alone: to read the machine's certificates takes longer than to start both sides
                yield Both(street, hub, clock, http, callback_url)
            platform.events.stop()
            await platform.stop()
    await database.close()
