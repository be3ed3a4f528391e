"""What BoLink tells and asks about vehicles: automatic payment (5.2), special vehicles (11.4, 11.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from taigan import bolink
from taigan.barriers.words import NotAPlate, plate_of
from taigan.bolink import BadMessage, values
from taigan.bolink.chapters import commands
from taigan.bolink.chapters.callbacks import AutoPayNoted, AutoPayNotice
from taigan.clock import Clock
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.storage.database import Database
from taigan.storage.locked import vehicles

WRITTEN = "%Y-%m-%d %H:%M:%S"
NOT_KNOWN = "未查询到该车辆"
UNKNOWN_LIST = "未知的特殊车类型"


class Vehicles:
    """Handles what concerns single vehicles and needs no tariff."""

    def __init__(
        self, database: Database, clock: Clock, find_pass: Callable[[Callback, str], Awaitable[Answered]]
    ) -> None:
        self._find_pass = find_pass
        self._database = database
        self._clock = clock

    async def notice_car_owner(self, callback: Callback) -> Answered:
        """5.2: keep whether a plate pays by itself; the last notice holds. Raises BadMessage, StorageError."""
        told = bolink.read(callback.message, AutoPayNotice)
        kept = vehicles.AutoPay(
            callback.lot.lot_id,
            plate_in(told.car_number),
            told.order_id,
            told.is_union_user == values.YesNo.YES,
            callback.received_at,
        )
        await self._database.write(lambda conn: vehicles.keep_auto_pay(conn, kept))
        return reply(AutoPayNoted(state=1, errmsg="修改成功"), "notice_car_owner")

    async def special_plate(self, callback: Callback) -> Answered:
        """11.4: put a vehicle on the white or the black list, or take it off. Raises BadMessage, StorageError.

        A blacklisted licence is refused at the lanes while the entry holds; an add replaces what was there.
        """
        told = bolink.read(callback.message, commands.ChangeSpecialVehicle)
        lot, number = callback.lot, plate_in(told.car_number)
        if told.car_type not in tuple(values.SpecialVehicle):
            return reply(commands.SpecialVehicleChanged(state=0, errmsg=UNKNOWN_LIST), "special_plate")
        match told.type:
            case values.ListChange.ADD:
                kept = vehicles.SpecialVehicle(
                    lot.lot_id,
                    number,
                    told.car_type,
                    moment_of(told.start_time, "start_time", lot.time_zone),
                    moment_of(told.end_time, "end_time", lot.time_zone),
                    (told.remark or "")[:200],
                    callback.received_at,
                )
                await self._database.write(lambda conn: vehicles.keep_special_vehicle(conn, kept))
            case values.ListChange.DELETE:
                await self._database.write(
                    lambda conn: vehicles.drop_special_vehicle(conn, lot.lot_id, number, told.car_type)
                )
            case other:
                raise BadMessage("type", f"is neither add nor delete: {other[:16]}")
        return reply(commands.SpecialVehicleChanged(state=1, errmsg="成功"), "special_plate")

    async def query_car_info(self, callback: Callback) -> Answered:
        """11.6: what is kept of one vehicle. Raises BadMessage, StorageError."""
        asked = bolink.read(callback.message, commands.QueryVehicle)
        lot, number = callback.lot, plate_in(asked.car_number)
        if asked.type == values.VehicleQuery.PASS:
            return await self._find_pass(callback, number)
        found = await self._database.read(lambda conn: vehicles.special_vehicles(conn, lot.lot_id, number))
        if not found:
            return reply(commands.VehicleFound(state=0, errmsg=NOT_KNOWN), "query_car_info")
        newest = max(found, key=lambda vehicle: vehicle.at)
        record = commands.VehicleRecord(
            car_number=number,
            car_type=newest.kind.partition(":")[0],
            start_time=written(newest.starts_at, lot.time_zone),
            end_time=written(newest.ends_at, lot.time_zone),
            describe=newest.remark or None,
        )
        return reply(commands.VehicleFound(state=1, errmsg="成功", data=record), "query_car_info")


def plate_in(car_number: str | None, field: str = "car_number") -> str:
    """The plate, spelled as the lanes spell it."""
    try:
        number = plate_of(car_number or "")
    except NotAPlate as error:
        raise BadMessage(field, str(error)) from None
    if not number:
        raise BadMessage(field, "names no plate")
    return number


def moment_of(text: str | None, field: str, time_zone: str) -> datetime | None:
    """A local `yyyy-MM-dd HH:mm:ss` (or a day alone) as aware UTC; None when it is absent."""
    if not text or not text.strip():
        return None
    text = text.strip()
    try:
        whole = text if " " in text else f"{text} 00:00:00"
        return datetime.strptime(whole, WRITTEN).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadMessage(field, "is not yyyy-MM-dd HH:mm:ss") from None


def written(moment: datetime | None, time_zone: str) -> str | None:
    return moment.astimezone(ZoneInfo(time_zone)).strftime(WRITTEN) if moment is not None else None
