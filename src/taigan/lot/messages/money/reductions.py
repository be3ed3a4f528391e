"""5.14: somebody else makes a stay cheaper: points, a hotel, a charging station."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from taigan import bolink
from taigan.barriers.words import NotAPlate, plate_of
from taigan.bolink import BadMessage, units
from taigan.bolink.chapters.callbacks import ReductionNotice, ReductionNoticeTaken
from taigan.bolink.values import FeeReduction, HotelPlate, ReductionKind
from taigan.lot import texts
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.paying.reductions import Reduced
from taigan.lot.messages.router import Answered, Callback

LONGEST_MINUTES = 60 * 24 * 366
BEIJING = ZoneInfo("Asia/Shanghai")


class Reductions:
    """Handles `pay_notice`."""

    def __init__(self, desk: LeavingDesk) -> None:
        self._desk = desk

    async def __call__(self, callback: Callback) -> Answered:
        """Answer a reduction notice. Raises BadMessage, StorageError."""
        told = bolink.read(callback.message, ReductionNotice)
        lot_id = callback.lot.lot_id
        item = Reduced(
            lot_id=lot_id,
            text=callback.text.decode("utf-8", "replace").replace("\x00", "\ufffd"),
            digest=callback.digest,
            received_at=callback.received_at,
            number=(told.start_charge_seq or told.trade_no or callback.digest)[:128],
            plate=told.car_number,
            order_id=told.order_id or "",
            pictures=self._desk.pictures(lot_id),
        )
        try:
            match told.type:
                case ReductionKind.CHARGING:
                    _understand(told, item)
                case ReductionKind.POINTS:
                    item.source, item.reason = "points", "积分抵扣"
                    _points(told, item)
                case ReductionKind.HOTEL:
                    _hotel(told, item)
                case _:
                    item.refused = texts.REDUCTION_UNKNOWN
        except BadMessage:
            item.refused = texts.NO_REDUCTION
        body = await self._desk.do(item)
        state = msgspec.json.decode(body, type=ReductionNoticeTaken).state
        return Answered(200, body, service_name="pay_notice", state=state)


def _points(told: ReductionNotice, item: Reduced) -> None:
    """Yuan where they are said, else minutes: a reduction, no payment, for the money is not ours. Raises BadMessage."""
    yuan = told.deduction_money or told.reduce_amount
    if yuan:
        item.kind, item.value = "fen", units.fen(yuan, "deduction_money")
    elif (told.deduction_time or "").strip().isascii() and (told.deduction_time or "").strip().isdigit():
        item.kind, item.value = "minutes", int((told.deduction_time or "").strip()[:9])
    if item.value <= 0 or (item.kind == "minutes" and item.value > LONGEST_MINUTES):
        raise BadMessage("deduction_money", "is not above 0")


def _hotel(told: ReductionNotice, item: Reduced) -> None:
    """A guest's plate is on a list between arrival and departure. Raises BadMessage."""
    try:
        item.plate = plate_of(told.car_number)
    except NotAPlate:
        item.plate = ""
    if not item.plate:
        raise BadMessage("car_number", "names no plate")
    item.starts_at = _moment(told.arrival_time, "arrival_time")
    item.ends_at = _moment(told.check_out_time, "check_out_time")
    if item.ends_at <= item.starts_at:
        raise BadMessage("check_out_time", "is not after the arrival")
    match told.car_number_type:
        case HotelPlate.WHITELIST | None:
            item.listed = "white"
        case HotelPlate.BLACKLIST:
            item.listed = "black"
        case _:
            raise BadMessage("car_number_type", "is unknown")


def _understand(told: ReductionNotice, item: Reduced) -> None:
    """How the fee is reduced. Raises BadMessage."""
    match _method(told):
        case FeeReduction.FREE:
            item.kind = "whole"
        case FeeReduction.BY_DURATION:
            if told.duration is None or not 0 < told.duration <= LONGEST_MINUTES:
                raise BadMessage("duration", "is no number of minutes")
            item.kind, item.value = "minutes", told.duration
        case FeeReduction.BY_AMOUNT:
            item.kind, item.value = "fen", units.fen(told.reduce_amount or "", "reduce_amount")
            if item.value <= 0:
                raise BadMessage("reduce_amount", "is not above 0")
        case FeeReduction.LOT_DECIDES:
            item.starts_at = _moment(told.start_charging_time, "start_charging_time")
            item.ends_at = _moment(told.stop_charging_time, "stop_charging_time")
            if item.ends_at <= item.starts_at:
                raise BadMessage("stop_charging_time", "is not after the start")
            item.kind = "window"
        case FeeReduction.DISCOUNT:
            percent = units.fen(told.reduce_amount or "", "reduce_amount")
            if percent % 100 or not 0 < percent <= 100 * 100:
                raise BadMessage("reduce_amount", "is no percentage")
            item.kind, item.value = "percent", percent // 100


def _method(told: ReductionNotice) -> int:
    """As it says; else minutes if there are any, else an amount, else the charging time."""
    if told.calculation_method is not None:
        if told.calculation_method not in tuple(FeeReduction):
            raise BadMessage("calculation_method", "is unknown")
        return told.calculation_method
    if told.duration:
        return FeeReduction.BY_DURATION
    return FeeReduction.BY_AMOUNT if told.reduce_amount else FeeReduction.LOT_DECIDES


def _moment(text: str | None, field: str) -> datetime:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise BadMessage(field, "is not written as yyyy-MM-dd HH:mm:ss") from None
