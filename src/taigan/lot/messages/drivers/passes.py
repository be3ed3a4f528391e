"""Passes in BoLink's messages: paid (5.8), asked for (11.2), changed (11.5), looked up (11.6)."""

from __future__ import annotations

import re

import sqlalchemy as sa

from taigan import bolink
from taigan.bolink import BadMessage, units, values
from taigan.bolink.chapters import commands
from taigan.bolink.chapters.callbacks import PassPayment, PassPaymentTaken
from taigan.lot import texts
from taigan.lot.errands.passes import PassPaid, TellPass, areas_named
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.messages.drivers.vehicles import moment_of, plate_in
from taigan.lot.messages.drivers.vehicles import written as moment_written
from taigan.lot.messages.money.money import MoneyMessages
from taigan.lot.messages.money.told import text_of
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.lot.people.passes import MOST_SPACES
from taigan.lot.stays.covers import limits_told
from taigan.lot.stays.pass_times import hours_of, written
from taigan.storage.database import Database
from taigan.storage.locked import passes as kept
from taigan.storage.locked.sheet import Sheet

NOT_SOLD = "本车场没有该金额的月卡"
NO_PASSES_HERE = "本车场暂不办理月卡"
NO_PASS = "未办理月卡"
NO_HOURS = "缺少月卡时段"


class PassMessages:
    """Handles them."""

    def __init__(self, desk: LeavingDesk, money: MoneyMessages, database: Database) -> None:
        self._desk = desk
        self._money = money
        self._database = database

    async def paid(self, callback: Callback) -> Answered:
        """5.8: a pass was paid, or its payment failed; kept first, answered 1. Raises StorageError."""
        try:
            told = bolink.read(callback.message, PassPayment)
            fen = units.fen(told.amount, "amount")
            if told.state not in (0, 1) or fen <= 0:
                raise BadMessage("state", "is neither 0 nor 1")
            plate = plate_in(told.car_number, "car_number") if (told.car_number or "").strip() else ""
        except BadMessage as error:
            return await self._money.unreadable(callback, "5.8", error)
        answer = bolink.write(PassPaymentTaken(state=1, errmsg=texts.TAKEN, trade_no=told.trade_no))
        item = PassPaid(
            lot_id=callback.lot.lot_id,
            text=text_of(callback),
            digest=callback.digest,
            received_at=callback.received_at,
            answer=answer,
            state=told.state,
            fen=fen,
            out_trade_no=(told.out_trade_no or "").strip()[:64],
            trade_no=(told.trade_no or "").strip()[:64],
            card_id=(told.card_id or "").strip()[:64],
            plate=plate,
            pictures=self._desk.pictures(callback.lot.lot_id),
        )
        body = await self._desk.do(item)
        return Answered(200, body, service_name="monthcard_pay", state=1)

    async def check(self, callback: Callback) -> Answered:
        """11.2: a plate may have a pass if the lot sells one at that amount. Raises BadMessage, StorageError."""
        asked = bolink.read(callback.message, commands.CheckPass)
        fen, lot_id = units.fen(asked.amount, "amount"), callback.lot.lot_id
        terms = await self._database.read(lambda conn: kept.terms(conn, lot_id))
        if any(term.fen == fen for term in terms):
            return reply(commands.PassChecked(state=1, errmsg=texts.TAKEN), "check_vip")
        return reply(commands.PassChecked(state=0, errmsg=NOT_SOLD if terms else NO_PASSES_HERE), "check_vip")

    async def change(self, callback: Callback) -> Answered:
        """11.5: a pass is added, changed or ended. One for an area or hours that the lot does not know is refused: it
        would be free where it should not. Raises BadMessage, StorageError.
        """
        told, zone = bolink.read(callback.message, commands.ChangePass), callback.lot.time_zone
        if told.type not in tuple(values.PassChange):
            raise BadMessage("type", "is none of add, delete, modify_info, modify_date")
        plates = [plate_in(told.car_number, "car_number")] if (told.car_number or "").strip() else []
        plates += [plate_in(one.plate_no, "vehicle_list") for one in told.vehicles() if (one.plate_no or "").strip()]
        card_id = (told.card_id or "").strip()[:48] or (plates[0] if plates else "")
        if not card_id:
            raise BadMessage("card_id", "is missing, and so is the plate")
        why = ""
        item = TellPass(
            lot_id=callback.lot.lot_id,
            card_id=card_id,
            change=told.type,
            holder=told.user_name,
            plates=plates[:1000],
            starts_at=moment_of(told.start_time, "start_time", zone),
            ends_at=moment_of(told.end_time, "end_time", zone),
        )
        if told.type != values.PassChange.DELETE:
            spaces = (told.vip_count or "").strip()
            item.spaces = min(int(spaces[:9]), MOST_SPACES) if spaces.isascii() and spaces.isdecimal() else None
            if told.is_region is not None:
                item.areas = areas_named(told.region_id) if told.is_region == values.Zoned.YES else []
            hourly = told.car_type in (None, "", values.PassVehicleKind.HOURLY)
            item.hours = _part_of_day(told.part_time, counts=hourly)
            if told.is_dayparking == values.DayParking.YES and not item.hours:
                item.rule = (told.rule_id_sub or "").strip()
            elif told.is_dayparking is not None:
                item.hours = item.hours or ""
            if told.type == values.PassChange.ADD and told.car_type == values.PassVehicleKind.HOURLY and not item.hours:
                why = NO_HOURS
        why = why or await self._desk.do(item)
        return reply(commands.PassChanged(state=0 if why else 1, errmsg=why or texts.TAKEN), "car_info")

    async def find(self, callback: Callback, number: str) -> Answered:
        """11.6, type 0: the pass of a plate that ends last. Raises StorageError."""
        lot = callback.lot

        def transaction(conn: sa.Connection) -> commands.VehicleRecord | None:
            sheet = Sheet(conn)
            found = [one for one in sheet.passes_of(lot.lot_id, [number]) if one.ended_at is None]
            if not found:
                return None
            last = max(found, key=lambda one: one.ends_at)
            return commands.VehicleRecord(
                car_number=number,
                user_name=last.holder or None,
                car_type=values.FoundPassKind.MONTHLY,
                card_id=last.card_id,
                start_time=moment_written(last.starts_at, lot.time_zone),
                end_time=moment_written(last.ends_at, lot.time_zone),
                update_time=moment_written(last.at, lot.time_zone),
                describe=limits_told(last, sheet.pass_limits(lot.lot_id).grace_days) or None,
            )

        record = await self._database.read(transaction)
        if record is None:
            return reply(commands.VehicleFound(state=0, errmsg=NO_PASS), "query_car_info")
        return reply(commands.VehicleFound(state=1, errmsg="成功", data=record), "query_car_info")


def _part_of_day(text: str | None, *, counts: bool) -> str | None:
    """`part_time`, ["23:00","07:00"], as hours; None: it is not given. It must be readable where it `counts`: for
    passes by the hour. Raises BadMessage.
    """
    if not text or not text.strip():
        return None
    times = re.findall(r"\d{1,2}:\d{2}", text[:500])
    try:
        if not times or len(times) % 2:
            raise ValueError(text)
        return written(hours_of(" ".join("-".join(times[n : n + 2]) for n in range(0, len(times), 2))))
    except ValueError:
        if not counts:
            return None
        raise BadMessage("part_time", 'is not ["23:00","07:00"]') from None
