"""Devices: what stands at each lane, whether it is heard, where its arm is; its secret address, for who may see it."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.barriers.barrier import LaneKey, LaneState
from taigan.lot.errors import Conflict
from taigan.rights import Right
from taigan.storage.rows import Lane
from taigan.storage.shown import views
from taigan.web.console.visit import Answer, Here, Visit

MOST_LANES = 1000


class Device(msgspec.Struct):
    """A lane's device as it is shown. `posts`: it posts to this platform, at an address of its own."""

    lane: Lane
    state: LaneState
    occupied: bool
    posts: bool
    sender: str

    @property
    def driver(self) -> str:
        return str(self.lane.barrier.get("driver", ""))

    @property
    def place(self) -> str:
        """Where it is, as the settings say; never a password."""
        known = ("url", "host", "address", "serial", "topic", "device")
        return next((str(self.lane.barrier[name]) for name in known if self.lane.barrier.get(name)), "")


@get("/lots/{lot_id:str}/devices", right=Right.DEVICE_SEE)
async def devices_page(visit: Here) -> Answer:
    """Every lane's device."""
    return visit.page("lanes/devices.html", devices=await _devices(visit))


@get("/lots/{lot_id:str}/devices/list", right=Right.DEVICE_SEE)
async def devices_list(visit: Here) -> Answer:
    """The part of the page that changes by itself."""
    return visit.page("lanes/parts/devices.html", devices=await _devices(visit))


@post("/lots/{lot_id:str}/devices/{channel_id:str}/address", right=Right.DEVICE_SET)
async def show_address(visit: Here, channel_id: FromPath[str]) -> Answer:
    """The address that the device posts to, secret and all. That it was shown is among the acts."""
    door, mailbox = await visit.office.device(visit.here.lot_id, channel_id)
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    act = f"lane {channel_id}: shown the address of {mailbox.name}"
    await visit.office.attendant.note(visit.here.lot_id, channel_id, by, act)
    return visit.page("lanes/device_address.html", channel_id=channel_id, path=door.path(mailbox), mailbox=mailbox)


@post("/lots/{lot_id:str}/devices/{channel_id:str}/renew", right=Right.DEVICE_SET)
async def renew_address(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Another secret; the address before is refused from now on."""
    door, mailbox = await visit.office.device(visit.here.lot_id, channel_id)
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    if mailbox.signs or mailbox.secret:
        raise Conflict(visit.tell("这台设备的密钥写在车道设置里，请在那里改。"))
    act = f"lane {channel_id}: another secret for {mailbox.name}"
    await visit.office.attendant.note(visit.here.lot_id, channel_id, by, act)
    door.renew(mailbox)
    return visit.page("lanes/device_address.html", channel_id=channel_id, path=door.path(mailbox), mailbox=mailbox)


async def _devices(visit: Visit) -> list[Device]:
    lot_id, office = visit.here.lot_id, visit.office

    def read(conn: sa.Connection) -> tuple[list[Lane], set[str]]:
        lanes = views.lanes(conn, lot_id, MOST_LANES, ())
        return lanes, views.occupied(conn, lot_id, [lane.channel_id for lane in lanes])

    lanes, occupied = await office.database.read(read)
    made = []
    for lane in lanes:
        key = LaneKey(lot_id, lane.channel_id)
        mailbox = office.devices.of_lane(key) if office.devices is not None else None
        sender = mailbox.sender or next(iter(mailbox.heard_from), "") if mailbox is not None else ""
        state = office.lanes.state(key) or LaneState()
        made.append(Device(lane, state, lane.channel_id in occupied, mailbox is not None, sender))
    return made


PAGES = (devices_page, devices_list, show_address, renew_address)
