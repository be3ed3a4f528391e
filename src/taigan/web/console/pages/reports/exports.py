"""Exports: each list as a file for a spreadsheet, with the same filter as its page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sa
from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from taigan.languages import N_
from taigan.lot.errands.refunds import SECTION as REFUND
from taigan.rights import Right
from taigan.storage.changes import Changes
from taigan.storage.due import errands
from taigan.storage.rows import Act
from taigan.storage.shown import audit, ledger_views, searches
from taigan.storage.shown.views import After
from taigan.storage.sums import books, reconciling
from taigan.web.console import fields
from taigan.web.console.allowed import need
from taigan.web.console.pages.errands.reconciling import differences_sought
from taigan.web.console.pages.money.money import bills_sought, payments_sought
from taigan.web.console.pages.passes.passes import passes_sought
from taigan.web.console.pages.people.audit import sought as deeds_sought
from taigan.web.console.pages.stays.stays import sought_by
from taigan.web.console.rendering.words.tables import word
from taigan.web.console.sheets import sheets
from taigan.web.console.visit import Answer, Here, Visit

PIECE = 500
"""So many rows are read at a time."""


class Column(NamedTuple):
    """A column: its title, what stands in it, and as what (text, money, moment, number). `word`: the table of words
    by which it is shown."""

    title: str
    value: Callable[[Any], Any]
    kind: str = "text"
    word: str = ""


@dataclass(frozen=True)
class Table:
    """A list that can be taken away. `sought` reads the page's filter, `key` is where a row stands in the order."""

    title: str
    right: Right
    columns: tuple[Column, ...]
    sought: Callable[[Visit], Any]
    read: Callable[[sa.Connection, str, int, After, Any], list[Any]]
    key: Callable[[Any], After]


TABLES: dict[str, Table] = {
    "stays": Table(
        N_("停车记录"),
        Right.STAY_SEE,
        (
            Column(N_("订单号"), lambda row: row.order.order_id),
            Column(N_("车牌"), lambda row: row.order.plate or row.order.mark + row.order.licence),
            Column(N_("状态"), lambda row: row.order.state, word="order_state"),
            Column(N_("来源"), lambda row: row.order.origin, word="origin"),
            Column(N_("车道"), lambda row: row.order.channel_id),
            Column(N_("入场"), lambda row: row.order.in_at, "moment"),
            Column(N_("离场"), lambda row: row.order.closed_at, "moment"),
            Column(N_("应收"), lambda row: row.charge_fen, "money"),
            Column(N_("已付"), lambda row: row.paid_fen, "money"),
            Column(N_("欠"), lambda row: row.balance_fen, "money"),
            Column(N_("待查"), lambda row: row.order.review, word="review"),
        ),
        sought_by,
        searches.stays,
        lambda row: (row.order.requested_at, row.order.order_id),
    ),
    "payments": Table(
        N_("收款"),
        Right.MONEY_SEE,
        (
            Column(N_("款项号"), lambda row: row.payment_id),
            Column(N_("交易号"), lambda row: row.trade_no),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("车牌"), lambda row: row.plate),
            Column(N_("方式"), lambda row: row.way, word="way"),
            Column(N_("状态"), lambda row: row.state, word="payment_state"),
            Column(N_("金额"), lambda row: row.fen, "money"),
            Column(N_("手续费"), lambda row: row.fee_fen, "money"),
            Column(N_("付款时间"), lambda row: row.paid_at, "moment"),
            Column(N_("入账时间"), lambda row: row.received_at, "moment"),
            Column(N_("班次"), lambda row: row.shift_id),
            Column(N_("备注"), lambda row: row.note),
        ),
        payments_sought,
        books.payments,
        lambda row: (row.received_at, row.payment_id),
    ),
    "bills": Table(
        N_("离场结账"),
        Right.MONEY_SEE,
        (
            Column(N_("订单号"), lambda row: row.order.order_id),
            Column(N_("车牌"), lambda row: row.order.plate or row.order.mark + row.order.licence),
            Column(N_("入场"), lambda row: row.order.in_at, "moment"),
            Column(N_("结账时间"), lambda row: row.bill.closed_at, "moment"),
            Column(N_("应收"), lambda row: row.bill.charge_fen, "money"),
            Column(N_("减免"), lambda row: row.bill.reduced_fen, "money"),
            Column(N_("其中免收"), lambda row: row.bill.waived_fen, "money"),
            Column(N_("已付"), lambda row: row.bill.paid_fen, "money"),
            Column(N_("已退"), lambda row: row.bill.refunded_fen, "money"),
            Column(N_("欠"), lambda row: max(0, row.bill.balance_fen), "money"),
            Column(N_("多收"), lambda row: max(0, -row.bill.balance_fen), "money"),
        ),
        bills_sought,
        books.bills,
        lambda row: (row.order.order_id,),
    ),
    "reductions": Table(
        N_("减免"),
        Right.MONEY_SEE,
        (
            Column(N_("时间"), lambda row: row.at, "moment"),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("种类"), lambda row: row.kind, word="reduction"),
            Column(N_("数值"), lambda row: row.value if row.kind not in ("fen", "waiver") else None, "number"),
            Column(N_("金额"), lambda row: row.value if row.kind in ("fen", "waiver") else None, "money"),
            Column(N_("来源"), lambda row: row.source),
            Column(N_("谁"), lambda row: row.actor),
            Column(N_("原因"), lambda row: row.reason),
        ),
        lambda visit: (fields.days(visit).span, visit.text("person", 200), visit.text("kind", 16)),
        lambda conn, lot_id, most, after, sought: books.reductions(conn, lot_id, most, after, *sought),
        lambda row: (row.at, row.reduction_id),
    ),
    "shifts": Table(
        N_("班次"),
        Right.MONEY_SEE,
        (
            Column(N_("班次"), lambda row: row.shift_id),
            Column(N_("谁"), lambda row: row.person),
            Column(N_("岗亭"), lambda row: row.booth),
            Column(N_("开班"), lambda row: row.opened_at, "moment"),
            Column(N_("接班现金"), lambda row: row.opening_fen, "money"),
            Column(N_("交班"), lambda row: row.closed_at, "moment"),
            Column(N_("应有"), lambda row: row.expected_fen, "money"),
            Column(N_("点得"), lambda row: row.counted_fen, "money"),
            Column(N_("说明"), lambda row: row.note),
        ),
        lambda visit: None,
        lambda conn, lot_id, most, after, _: ledger_views.shifts(conn, lot_id, most, after),
        lambda row: (row.opened_at, row.shift_id),
    ),
    "lifts": Table(
        N_("抬杆记录"),
        Right.AUDIT_SEE,
        (
            Column(N_("时间"), lambda row: row.intended_at, "moment"),
            Column(N_("车道"), lambda row: row.channel_id),
            Column(N_("命令"), lambda row: row.command, word="command"),
            Column(N_("起因"), lambda row: row.cause, word="cause"),
            Column(N_("谁"), lambda row: row.actor),
            Column(N_("原因"), lambda row: row.reason),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("结果"), lambda row: row.outcome or "", word="outcome"),
            Column(N_("说明"), lambda row: row.detail),
        ),
        lambda visit: (fields.span(visit), visit.text("lane", 64)),
        lambda conn, lot_id, most, after, sought: books.lifts(conn, lot_id, most, after, *sought),
        lambda row: (row.intended_at, row.lift_id),
    ),
    "audit": Table(
        N_("操作记录"),
        Right.AUDIT_SEE,
        (
            Column(N_("时间"), lambda row: row.at, "moment"),
            Column(N_("谁"), lambda row: row.actor),
            Column(N_("种类"), lambda row: row.kind, word="deed"),
            Column(N_("车道"), lambda row: row.channel_id),
            Column(N_("做了什么"), lambda row: row.what, word="act"),
            Column(N_("起因"), lambda row: row.cause, word="cause"),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("结果"), lambda row: row.outcome, word="outcome"),
            Column(N_("原因"), lambda row: row.reason),
            Column(N_("通过"), lambda row: row.via),
        ),
        deeds_sought,
        audit.deeds,
        lambda row: (row.at, row.key),
    ),
    "refunds": Table(
        N_("退款"),
        Right.MONEY_SEE,
        (
            Column(N_("申请"), lambda row: row.at, "moment"),
            Column(N_("款项号"), lambda row: row.about),
            Column(N_("交易号"), lambda row: row.details.get("trade_no", "")),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("金额"), lambda row: row.fen, "money"),
            Column(N_("状态"), lambda row: row.state, word="errand_state"),
            Column(N_("谁"), lambda row: row.actor),
            Column(N_("原因"), lambda row: row.reason),
            Column(N_("谁批准"), lambda row: row.approved_by),
            Column(N_("泊链说"), lambda row: row.said),
            Column(N_("最近变化"), lambda row: row.changed_at, "moment"),
        ),
        lambda visit: visit.text("state", 16),
        lambda conn, lot_id, most, after, state: errands.listed(conn, lot_id, most, after, section=REFUND, state=state),
        lambda row: (row.at, row.errand_id),
    ),
    "arrears": Table(
        N_("欠费"),
        Right.MONEY_SEE,
        (
            Column(N_("订单号"), lambda row: row.order.order_id),
            Column(N_("车牌"), lambda row: row.order.plate or row.order.mark + row.order.licence),
            Column(N_("入场"), lambda row: row.order.in_at, "moment"),
            Column(N_("离场"), lambda row: row.bill.closed_at, "moment"),
            Column(N_("应收"), lambda row: row.bill.charge_fen - row.bill.reduced_fen, "money"),
            Column(N_("已付"), lambda row: row.bill.credited_fen, "money"),
            Column(N_("欠"), lambda row: row.bill.balance_fen, "money"),
        ),
        lambda visit: "".join(visit.text("q", 16).split()).upper(),
        ledger_views.owed,
        lambda row: (row.order.order_id,),
    ),
    "differences": Table(
        N_("对账差异"),
        Right.MONEY_SEE,
        (
            Column(N_("日期"), lambda row: row.day.isoformat()),
            Column(N_("差异"), lambda row: row.kind, word="difference"),
            Column(N_("交易号"), lambda row: row.number),
            Column(N_("订单号"), lambda row: row.order_id),
            Column(N_("这里"), lambda row: row.ours_fen, "money"),
            Column(N_("泊链"), lambda row: row.theirs_fen, "money"),
            Column(N_("状态"), lambda row: row.state, word="difference_state"),
            Column(N_("谁"), lambda row: row.actor),
            Column(N_("原因"), lambda row: row.reason),
        ),
        differences_sought,
        lambda conn, lot_id, most, after, state: reconciling.listed(conn, lot_id, most, after, state=state),
        lambda row: (row.found_at, row.difference_id),
    ),
    "passes": Table(
        N_("月卡"),
        Right.PASS_SEE,
        (
            Column(N_("卡号"), lambda row: row[0].card_id),
            Column(N_("车牌"), lambda row: " ".join(row[1])),
            Column(N_("持卡人"), lambda row: row[0].holder),
            Column(N_("从"), lambda row: row[0].starts_at, "moment"),
            Column(N_("到"), lambda row: row[0].ends_at, "moment"),
            Column(N_("车位数"), lambda row: str(row[0].spaces or "")),
            Column(N_("区域"), lambda row: row[0].areas),
            Column(N_("时段"), lambda row: row[0].hours),
            Column(N_("星期"), lambda row: row[0].days),
            Column(N_("宽限天数"), lambda row: "" if row[0].grace_days is None else str(row[0].grace_days)),
            Column(N_("停用"), lambda row: row[0].ended_at, "moment"),
            Column(N_("谁"), lambda row: row[0].actor),
            Column(N_("原因"), lambda row: row[0].reason),
        ),
        passes_sought,
        ledger_views.passes,
        lambda row: (row[0].card_id,),
    ),
}
"""What can be taken away, by the name in the address."""


@get("/lots/{lot_id:str}/export/{table:str}", right=Right.EXPORT_TAKE)
async def export(visit: Here, table: FromPath[str]) -> Answer | Stream:
    """A list as a file, row by row as it is read. Raises BadValue, NotAllowed."""
    wanted = TABLES.get(table)
    form = visit.text("form", 8) or "csv"
    if wanted is None or form not in sheets.TYPES:
        return visit.page("notice.html", status=HTTPStatus.NOT_FOUND, text=visit.tell("没有这样的导出。"))
    need(visit, wanted.right)
    sought = wanted.sought(visit)
    days = "".join(f"{day}-" for day in fields.typed_days(visit))
    first = await _read(visit, wanted, (), sought)
    await noted(visit, table, form)
    title = visit.tell(wanted.title)
    kinds = [column.kind for column in wanted.columns]
    titles = [visit.tell(column.title) for column in wanted.columns]
    rows = _rows(visit, wanted, first, sought)
    content = sheets.as_csv(titles, kinds, rows) if form == "csv" else sheets.as_xlsx(title, titles, kinds, rows)
    local = visit.now.astimezone(visit.zone)
    when = f"{days}{local:%Y%m%d-%H%M}"
    name = f"{visit.here.name or visit.here.park_id}-{title}-{when}.{form}"
    plain = f"{table}-{when}.{form}"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Stream(content, media_type=sheets.TYPES[form], headers={"content-disposition": disposition})


async def _rows(visit: Visit, table: Table, first: list[Any], sought: Any) -> AsyncIterator[Sequence[sheets.Row]]:
    some = first
    while some:
        yield [[_cell(visit, column, row) for column in table.columns] for row in some]
        if len(some) < PIECE:
            return
        some = await _read(visit, table, table.key(some[-1]), sought)


async def _read(visit: Visit, table: Table, after: After, sought: Any) -> list[Any]:
    lot_id = visit.here.lot_id
    return await visit.office.database.read(lambda conn: table.read(conn, lot_id, PIECE, after, sought))


def _cell(visit: Visit, column: Column, row: Any) -> sheets.Cell:
    value = column.value(row)
    if column.word == "act":
        return word("command", value, visit.tell) if row.kind == audit.LIFTS else visit.rendering.act(value, visit)
    if column.word:
        return word(column.word, value, visit.tell)
    if isinstance(value, datetime):
        return value.astimezone(visit.zone).replace(tzinfo=None)
    found: sheets.Cell = value
    return found


async def noted(visit: Visit, table: str, form: str) -> None:
    """Who takes what away is kept."""
    by = visit.by("-")
    filters = " ".join(f"{name}={value}" for name, value in visit.asked.items() if name != "form")
    changes = Changes()
    act = f"export of {table} as {form} {filters}".strip()[:500]
    changes.acts.append(Act(visit.here.lot_id, visit.now, by.operator, by.reason, act, by.via))
    await visit.office.database.write(changes.write)


PAGES = (export,)
