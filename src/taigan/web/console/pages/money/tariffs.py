"""Price lists: versions that are never edited; a new one is tried with two moments and drawn before it is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errors import BadValue, LotError
from taigan.lot.stays.pricing import calendar_of
from taigan.lot.tariff import evaluation
from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.errors import TariffError
from taigan.lot.tariff.model import PriceList
from taigan.lot.tariff.pictures import curve, words
from taigan.lot.tariff.pictures.words import Said
from taigan.lot.tariff.reading import price_lists
from taigan.lot.tariff.result import Price
from taigan.rights import Right
from taigan.storage.locked.sheet import Sheet
from taigan.storage.setup import price_lists as kept
from taigan.storage.setup.price_lists import PriceListRow
from taigan.web.api.common import BY_ID
from taigan.web.console import fields
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

LONGEST_TEXT = 100_000
HOURS = 26


class Trial(msgspec.Struct):
    """A price list in words, as a curve, and what a stay between the typed moments costs."""

    price_list: PriceList
    svg: str = ""
    price: Price | None = None
    why_not: str = ""


@get("/lots/{lot_id:str}/tariffs", right=Right.TARIFF_SEE)
async def tariffs(visit: Here) -> Answer:
    """The lot's price lists, the newest first."""
    try:
        after = BY_ID.read(visit.asked.get("after", "")[:512])
    except Refused:
        return visit.go(visit.in_lot("tariffs"))
    lot_id, today = visit.here.lot_id, visit.now.astimezone(visit.zone).date()

    def read(conn: sa.Connection) -> tuple[list[PriceListRow], PriceListRow | None]:
        return kept.listed(conn, lot_id, fields.PAGE + 1, after), kept.in_force(conn, lot_id, today)

    rows, present = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_ID, lambda row: (row.version,), "tariffs")
    return visit.page("money/tariffs/tariffs.html", rows=rows, more=more, present=present, today=today)


@get("/lots/{lot_id:str}/tariffs/{version:int}", right=Right.TARIFF_SEE)
async def tariff(visit: Here, version: FromPath[int]) -> Answer:
    """One version: in words, as a curve, and tried with two moments."""
    lot_id = visit.here.lot_id
    found = await visit.office.database.read(
        lambda conn: kept.listed(conn, lot_id, 1, (version + 1,)) if 0 < version < 2**31 - 1 else []
    )
    if not found or found[0].version != version:
        return visit.page("notice.html", status=HTTPStatus.NOT_FOUND, text=visit.tell("没有这一版收费标准。"))
    row = found[0]
    price_list = price_lists.from_data(msgspec.json.decode(row.body))
    try:
        trial = await _tried(visit, price_list)
    except BadValue as error:
        return visit.again("money/tariffs/tariff.html", error, row=row, trial=Trial(price_list), **_shown(visit))
    return visit.page("money/tariffs/tariff.html", row=row, trial=trial, **_shown(visit))


@get("/lots/{lot_id:str}/tariffs/new", right=Right.TARIFF_SET)
async def new_tariff(visit: Here) -> Answer:
    """The form of a new price list; at first it holds the newest one."""
    lot_id = visit.here.lot_id
    newest = await visit.office.database.read(lambda conn: kept.newest(conn, lot_id))
    text = ""
    if newest is not None:
        text = msgspec.json.format(newest.body, indent=2)
    return visit.page("money/tariffs/tariff_new.html", text=text, trial=None, **_shown(visit))


@post("/lots/{lot_id:str}/tariffs/new", right=Right.TARIFF_SET)
async def try_tariff(visit: Here) -> Answer:
    """Try what was typed, or put it in force when it is said so."""
    trial = None
    try:
        text = visit.text("text", LONGEST_TEXT, needed=visit.tell("请填收费标准。"))
        price_list = await asyncio.to_thread(_read, visit, text)
        trial = await _tried(visit, price_list)
        if visit.form.get("act") != "keep":
            return visit.page("money/tariffs/tariff_new.html", text=text, trial=trial, **_shown(visit))
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        row = await visit.office.prices.add_price_list(visit.here.lot_id, price_list, by)
    except LotError as error:
        if error.field.startswith("price_list"):
            error.field = "text"
        return visit.again("money/tariffs/tariff_new.html", error, text="", trial=trial, **_shown(visit))
    said = visit.tell("第 %(version)d 版收费标准从 %(day)s 起执行。", version=row.version, day=row.valid_from)
    return visit.go(visit.in_lot("tariffs", str(row.version)), said)


async def _tried(visit: Visit, price_list: PriceList) -> Trial:
    """The curve from the typed entry on (or nine o'clock of the first day), and the price between both moments."""
    entry, exit = fields.moment(visit, "entry", needed=False), fields.moment(visit, "exit", needed=False)
    vehicle = visit.text("vehicle", 32)
    lot_id, zone = visit.here.lot_id, visit.zone
    calendar = await visit.office.database.read(lambda conn: calendar_of(Sheet(conn), lot_id))
    first = datetime.combine(price_list.valid_from, datetime.min.time(), zone) + timedelta(hours=9)
    begin = entry or max(first, visit.now)
    return await asyncio.to_thread(_worked_out, visit, price_list, calendar, begin, exit, vehicle)


def _worked_out(
    visit: Visit, price_list: PriceList, calendar: Calendar, begin: datetime, exit: datetime | None, vehicle: str
) -> Trial:
    trial = Trial(price_list)
    tongue = "en" if visit.language == "en" else "zh"
    vehicle = vehicle or next((rate.vehicles[0] for rate in price_list.rates if rate.vehicles), "")
    known = {name for rate in price_list.rates for name in rate.vehicles}
    vehicle = vehicle if vehicle in known else ""
    try:
        trial.svg = curve.curve(
            price_list, begin, HOURS, vehicle, tongue, zone=visit.zone, calendar=calendar, bare=True
        )
        if exit is not None:
            evaluation.check_order(begin, exit, visit.zone)
            trial.price = evaluation.price(price_list, begin, exit, vehicle, zone=visit.zone, calendar=calendar)
    except TariffError as error:
        trial.why_not = error.en if tongue == "en" else error.zh
    return trial


def _read(visit: Visit, text: str) -> PriceList:
    try:
        return price_lists.read(text.encode())
    except TariffError as error:
        raise BadValue(error.en if visit.language == "en" else f"收费标准：{error.zh}", "text") from None


def _shown(visit: Visit) -> dict[str, Any]:
    tongue = "en" if visit.language == "en" else "zh"

    def say(said: Said) -> str:
        return said.of(tongue)

    shown: dict[str, Callable[..., Any]] = {"say": say}
    return {**shown, "words": words}


PAGES = (tariffs, tariff, new_tariff, try_tariff)
