"""One pass: changed, renewed at BoLink; the prices of passes; and whole lists of them, read from a file."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errands.passes import RENEWAL
from taigan.lot.errors import BadValue, LotError, UnknownOrder
from taigan.lot.people.looking.board import MOST_LANES
from taigan.lot.people.passes import FIELD_OF, FROM_BOLINK, GivenPass, Limits, PutLimits, PutPasses, differs, limits_of
from taigan.lot.stays import covers, pass_times
from taigan.rights import Right
from taigan.storage.due import errands as asked
from taigan.storage.locked import passes as kept
from taigan.storage.locked.passes import LotsLimits, Term
from taigan.storage.rows import Errand, Pass, PassLimit
from taigan.storage.shown import views
from taigan.web.console import fields
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.sheets import pass_sheets
from taigan.web.console.sheets.pass_sheets import Sheet
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.shown.asked import grace_of

PLACES = 6
"""So many prices, areas and hours stand in the form, or one more than there are."""
MOST_PLACES = 101
"""So many are read of a form: one more than the API takes."""
SHOWN = 50
"""So many lines of a list are shown before it is stored."""


@get("/lots/{lot_id:str}/passes/{card_id:str}", right=Right.PASS_SEE)
async def pass_card(visit: Here, card_id: FromPath[str]) -> Answer:
    """One pass: its plates, its days, its renewals."""
    return visit.page("passes/pass_card.html", **await _card(visit, card_id))


@post("/lots/{lot_id:str}/passes/{card_id:str}", right=Right.PASS_SET)
async def change_pass(visit: Here, card_id: FromPath[str]) -> Answer:
    """Other plates, another holder, other days."""
    shown = await _card(visit, card_id)
    try:
        given = _typed(visit, card_id, shown["limits"])
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.leaving.do(PutPasses(lot_id=visit.here.lot_id, passes=[given], by=by))
    except LotError as error:
        return visit.again("passes/pass_card.html", error, **shown)
    return visit.go(visit.in_lot("passes", card_id), visit.tell("月卡 %(card)s 已改。", card=card_id))


@post("/lots/{lot_id:str}/passes/{card_id:str}/renew", right=Right.PASS_SET)
async def renew_pass(visit: Here, card_id: FromPath[str]) -> Answer:
    """Have it lengthened once its holder has paid (3.3)."""
    shown = await _card(visit, card_id)
    try:
        months = visit.text("months", 2, needed=visit.tell("请选续多久。"))
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        errand = await visit.office.errands.renew(
            visit.here.lot_id, card_id, int(months) if months.isascii() and months.isdecimal() else 0, by
        )
    except LotError as error:
        error.field = error.field if error.field == "months" else ""
        return visit.again("passes/pass_card.html", error, **shown)
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


@get("/lots/{lot_id:str}/pass-prices", right=Right.PASS_SEE)
async def pass_prices(visit: Here) -> Answer:
    """For how long and at what price passes are sold."""
    return visit.page("passes/pass_prices.html", **await _prices(visit))


@post("/lots/{lot_id:str}/pass-prices", right=Right.PASS_SET)
async def put_pass_prices(visit: Here) -> Answer:
    """Sell these in place of all before."""
    try:
        terms = []
        for number in range(MOST_PLACES):
            name = f"months-{number}"
            if not visit.text(name, 2) and not visit.text(f"fen-{number}", 12):
                continue
            months = visit.text(name, 2, needed=visit.tell("请填几个月。"))
            if not (months.isascii() and months.isdecimal() and 1 <= int(months) <= 36):
                raise BadValue(visit.tell("从 1 到 36 个月。"), name)
            fen = fields.money(visit, f"fen-{number}")
            if not fen:
                raise BadValue(visit.tell("价格要大于 0。"), f"fen-{number}")
            terms.append((int(months), fen))
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.errands.set_terms(visit.here.lot_id, terms, by)
    except LotError as error:
        error.field = error.field if error.field != "terms" else ""
        return visit.again("passes/pass_prices.html", error, **await _prices(visit))
    return visit.go(visit.in_lot("pass-prices"), visit.tell("价目已保存。"))


@post("/lots/{lot_id:str}/pass-prices/fetch", right=Right.PASS_SET)
async def fetch_passes(visit: Here) -> Answer:
    """Put all passes that BoLink has in place of those it told of before (10.6)."""
    try:
        number, unusable = await visit.office.errands.fetch_passes(visit.here, visit.by("-"))
    except LotError as error:
        return visit.go(visit.in_lot("pass-prices"), visit.rendering.error(error, visit), "bad")
    said = visit.tell("从泊链取来 %(count)d 张月卡。", count=number)
    if unusable:
        left = visit.tell("另有 %(count)d 张没有用：没有车牌，或只限某个区域、某些钟点。", count=unusable)
        said = f"{said}{left}"
    return visit.go(visit.in_lot("pass-prices"), said)


@get("/lots/{lot_id:str}/pass-limits", right=Right.PASS_SEE)
async def pass_limits(visit: Here) -> Answer:
    """The areas and times that passes may be limited to, and the lot's days of grace."""
    return visit.page("passes/pass_limits.html", **await _places(visit))


@post("/lots/{lot_id:str}/pass-limits", right=Right.PASS_SET)
async def put_pass_limits(visit: Here) -> Answer:
    """Have these in place of all before."""
    lot_id, given, number = visit.here.lot_id, [], 0
    kind = ""
    try:
        for kind, body in FIELD_OF.items():
            for number in range(MOST_PLACES):
                name = visit.text(f"{kind}-number-{number}", 32)
                what = visit.text(f"{kind}-{body}-{number}", 500).replace("，", " ").replace(",", " ")
                days = visit.text(f"{kind}-days-{number}", 200)
                if not name and not what and not days:
                    continue
                if not name:
                    raise BadValue(visit.tell("请填编号。"), f"{kind}-number-{number}")
                checked = what
                if kind == "hours":
                    slips: list[tuple[str, str]] = []
                    slip = partial(_noted, slips, f"hours-{{}}-{number}")
                    checked = " ".join(filter(None, pass_sheets.times(days, what, slip, visit.tell)))
                    if slips:
                        raise BadValue(slips[0][1], slips[0][0])
                if not checked:
                    raise BadValue(
                        visit.tell("请填车道。") if kind == "area" else visit.tell("请填时段。"),
                        f"{kind}-{body}-{number}",
                    )
                given.append(PassLimit(lot_id, kind, name, visit.text(f"{kind}-name-{number}", 50), checked))
        given += grace_of(lot_id, _grace_days(visit) or 0)
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.leaving.do(PutLimits(lot_id=lot_id, limits=given, by=by))
    except LotError as error:
        error.field = "" if error.field in ("lanes", "hours", "number") else error.field
        return visit.again("passes/pass_limits.html", error, **await _places(visit))
    return visit.go(visit.in_lot("pass-limits"), visit.tell("区域和时段已保存。"))


@get("/lots/{lot_id:str}/pass-import", right=Right.PASS_SET)
async def import_passes(visit: Here) -> Answer:
    """The form for a file."""
    return visit.page("passes/pass_import.html", sheet=None)


@post("/lots/{lot_id:str}/pass-import", right=Right.PASS_SET)
async def try_passes(visit: Here) -> Answer:
    """Show what a file would change; store it when it is said so."""
    keeps = visit.form.get("act") == "keep"
    data = visit.form.get("list", "").encode() if keeps else visit.files.get("file", b"")
    if not data:
        nothing = BadValue(visit.tell("请选一个文件。"), "file")
        return visit.again("passes/pass_import.html", nothing, sheet=None)
    areas = [one.number for one in await _limits(visit) if one.kind == "area"]
    sheet = await asyncio.to_thread(pass_sheets.read, data, visit.zone, visit.tell, areas)
    shown = await _preview(visit, sheet)
    if not keeps or sheet.slips or not sheet.passes:
        return visit.page("passes/pass_import.html", **shown)
    try:
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        done = await visit.office.leaving.do(PutPasses(lot_id=visit.here.lot_id, passes=sheet.passes, by=by))
    except LotError as error:
        error.field = error.field if error.field == "reason" else ""
        return visit.again("passes/pass_import.html", error, **shown)
    text = visit.tell(
        "导入完毕：新 %(new)d 张，改 %(changed)d 张，没有变化 %(same)d 张。",
        new=done.new,
        changed=done.changed,
        same=done.same,
    )
    return visit.go(visit.in_lot("passes"), text)


def _typed(visit: Visit, card_id: str, known: list[PassLimit]) -> GivenPass:
    """The pass as it was typed, by way of a list's one line. Raises BadValue."""
    days = fields.days(visit, most=366 * 20)
    plates = visit.text("plates", 1000)
    holder = visit.text("holder", 100)
    assert days.span.since is not None
    assert days.span.until is not None
    slips: list[str] = []
    found = pass_sheets.plates(plates, lambda _, text: slips.append(text), visit.tell)
    if slips:
        raise BadValue(slips[0], "plates")
    return GivenPass(card_id, holder, found, days.span.since, days.span.until, limits_typed(visit, known))


def limits_typed(visit: Visit, known: list[PassLimit]) -> Limits:
    """What a pass is limited to, as the form says. Raises BadValue."""
    slips: list[tuple[str, str]] = []
    cells = {name: visit.text(name, 200) for name in Limits.__struct_fields__}
    areas = [one.number for one in known if one.kind == "area"]
    found = pass_sheets.limits(cells, areas, partial(_noted, slips, "{}"), visit.tell)
    if slips:
        raise BadValue(slips[0][1], slips[0][0])
    return found


def _noted(slips: list[tuple[str, str]], place: str, column: str, text: str) -> None:
    slips.append((place.format(column), text))


def _grace_days(visit: Visit) -> int | None:
    """The days of grace as they were typed. Raises BadValue."""
    slips: list[tuple[str, str]] = []
    found = pass_sheets.grace_days(visit.text("grace_days", 2), partial(_noted, slips, "{}"), visit.tell)
    if slips:
        raise BadValue(slips[0][1], slips[0][0])
    return found


async def _limits(visit: Visit) -> list[PassLimit]:
    lot_id = visit.here.lot_id
    return await visit.office.database.read(lambda conn: kept.limits(conn, lot_id))


async def _card(visit: Visit, card_id: str) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Pass, list[str], list[Errand], list[Term], list[PassLimit]]:
        found = kept.known(conn, lot_id, [card_id]).get(card_id) if "\x00" not in card_id else None
        if found is None:
            raise UnknownOrder(f"there is no pass {card_id}", "card_id")
        return *found, asked.about(conn, lot_id, RENEWAL, card_id), kept.terms(conn, lot_id), kept.limits(conn, lot_id)

    card, plates, renewals, terms, limits = await visit.office.database.read(read)
    last = (card.ends_at - timedelta(seconds=1)).astimezone(visit.zone).date()
    return {
        "card": card,
        "plates": plates,
        "renewals": renewals,
        "terms": terms,
        "limits": limits,
        "from_bolink": card_id.startswith(FROM_BOLINK),
        "first": card.starts_at.astimezone(visit.zone).date(),
        "last": last,
        "ends_at": covers.holds_until(card, LotsLimits(limits).grace_days, visit.zone),
    }


async def _prices(visit: Visit) -> dict[str, Any]:
    lot_id = visit.here.lot_id
    terms = await visit.office.database.read(lambda conn: kept.terms(conn, lot_id))
    return {"terms": terms, "places": [*terms, *[None] * max(1, PLACES - len(terms))]}


async def _places(visit: Visit) -> dict[str, Any]:
    known = await _limits(visit)
    rows = {kind: [one for one in known if one.kind == kind] for kind in FIELD_OF}
    lot_id = visit.here.lot_id
    lanes = await visit.office.database.read(lambda conn: views.lanes(conn, lot_id, MOST_LANES, ()))
    return {
        "places": {kind: [*found, *[None] * max(1, PLACES - len(found))] for kind, found in rows.items()},
        "times": {one.number: pass_times.split(one.body) for one in rows["hours"]},
        "grace_days": LotsLimits(known).grace_days,
        "known": rows,
        "entries": [lane.channel_id for lane in lanes if lane.direction == "entry"],
    }


async def _preview(visit: Visit, sheet: Sheet) -> dict[str, Any]:
    """What a list would change. Passes that stay as they are, are counted and not shown."""
    lot_id = visit.here.lot_id
    cards = [one.card_id for one in sheet.passes]
    before = await visit.office.database.read(lambda conn: kept.known(conn, lot_id, cards))
    new = [one for one in sheet.passes if one.card_id not in before]
    changed = [(one, *before[one.card_id]) for one in sheet.passes if one.card_id in before]
    changed = [row for row in changed if differs(*row)]
    return {
        "sheet": sheet,
        "new": new,
        "changed": changed,
        "same": len(sheet.passes) - len(new) - len(changed),
        "limited": any(one.limits is not None for one in sheet.passes),
        "limits_of": limits_of,
        "shown": SHOWN,
        "list": pass_sheets.written(sheet.passes) if not sheet.slips else "",
    }


PAGES = (
    *(pass_prices, put_pass_prices, fetch_passes, import_passes, try_passes),
    *(pass_limits, put_pass_limits),
    *(pass_card, change_pass, renew_pass),
)
