"""Reports: what some days came to, as a chart and as the table beside it, to read, print and take away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response import Stream
from markupsafe import Markup

from taigan.bolink import units
from taigan.languages import N_
from taigan.lot.errors import BadValue
from taigan.lot.people.beginning import inventing
from taigan.lot.people.looking import reporting
from taigan.lot.people.looking.reporting import Told
from taigan.rights import Right
from taigan.storage.kept import invented
from taigan.storage.sums.day_sums import LENGTHS, ByHand
from taigan.web.console import fields
from taigan.web.console.allowed import need
from taigan.web.console.fields import Days
from taigan.web.console.pages.reports.exports import noted
from taigan.web.console.rendering import charts
from taigan.web.console.rendering.charts import Series
from taigan.web.console.rendering.rendering import duration
from taigan.web.console.rendering.words.money import WAY
from taigan.web.console.rendering.words.tables import word
from taigan.web.console.sheets import sheets
from taigan.web.console.visit import Answer, Here, Visit

LONGEST = 400
BACK = 29
WEEK = (N_("周一"), N_("周二"), N_("周三"), N_("周四"), N_("周五"), N_("周六"), N_("周日"))


class Row(NamedTuple):
    """A line of the table. `url`: where its rows are."""

    cells: Sequence[sheets.Cell]
    url: str = ""


class Report(msgspec.Struct):
    """A report as it is shown and taken away: columns with their kind (text, money, number), rows, the last of them
    the sum where `summed`, charts each with its name, and what the colours mean. `by_day`: a row is a day, the newest
    first, and charts go on to the right with time."""

    columns: list[tuple[str, str]]
    rows: list[Row]
    drawn: list[tuple[str, Markup]]
    legend: list[str] = []
    summed: bool = False
    notes: list[str] = []
    by_day: bool = False


class Kind(NamedTuple):
    title: str
    make: Callable[[Visit, Days, Told], Report]


def _income(visit: Visit, days: Days, told: Told) -> Report:
    tell = visit.tell
    there = {way for _, _, sums in told.days for way in sums.ways}
    ways = [way for way in WAY if way in there] + sorted(there - set(WAY))
    names = [word("way", way, tell) for way in ways]
    rows = []
    for day, _, sums in told.days:
        amounts = [sums.ways[way].fen if way in sums.ways else 0 for way in ways]
        count = sum(one.count for one in sums.ways.values())
        bills = sums.bills
        text = day.isoformat()
        url = visit.in_lot("money", **{"from": text, "to": text})
        rows.append(Row([text, *amounts, sum(amounts), count, bills.charge, bills.reduced, bills.owed], url))
    series = [Series(name, [_int(row.cells[1 + place]) for row in rows]) for place, name in enumerate(names)]
    labels = [_short(day) for day, _, _ in told.days]
    title = tell("每天入账")
    return Report(
        [
            (tell("天"), "text"),
            *((name, "money") for name in names),
            (tell("入账合计"), "money"),
            (tell("笔数"), "number"),
            (tell("离场应收"), "money"),
            (tell("减免"), "money"),
            (tell("欠"), "money"),
        ],
        _with_sum(rows[::-1], tell("合计")),
        [(title, charts.bars(title, labels, series, _yuan))],
        names,
        True,
        [tell("入账按到账的那天算，离场应收按离场的那天算，所以同一行的两边不必相等。")],
        by_day=True,
    )


def _traffic(visit: Visit, days: Days, told: Told) -> Report:
    tell, zone = visit.tell, visit.zone
    names = [tell("入场"), tell("离场")]
    inside: dict[date, list[int]] = {}
    for at, count in told.inside:
        inside.setdefault((at - timedelta(seconds=1)).astimezone(zone).date(), []).append(count)
    rows, labels, columns = [], [], [(tell("天"), "text")]
    if len(told.days) == 1:
        columns = [(tell("钟点"), "text")]
        _, span, sums = told.days[0]
        hours = (span[1] - span[0]) // timedelta(hours=1)
        after = [count for _, count in told.inside]
        for hour in range(hours):
            begins = (span[0] + timedelta(hours=hour)).astimezone(zone)
            now = after[hour] if hour < len(after) else None
            rows.append(Row([f"{begins:%H:%M}", sums.entries[hour], sums.exits[hour], now]))
            labels.append(f"{begins:%H}")
        columns += [(names[0], "number"), (names[1], "number"), (tell("这一小时末在场"), "number")]
    else:
        spaces = visit.here.spaces
        for day, _, sums in told.days:
            entries, exits, counts = sum(sums.entries), sum(sums.exits), inside.get(day, [])
            most, least = (max(counts), min(counts)) if counts else (None, None)
            turned = f"{exits / spaces:.2f}" if spaces else ""
            text = day.isoformat()
            url = visit.in_lot("stays", **{"from": text, "to": text}) + "&state="
            rows.append(Row([text, entries, exits, most, least, turned], url))
            labels.append(_short(day))
        columns += [(names[0], "number"), (names[1], "number"), (tell("最多在场"), "number")]
        columns += [(tell("最少在场"), "number"), (tell("周转次数"), "number")]
    series = [Series(name, [_int(row.cells[1 + place]) for row in rows]) for place, name in enumerate(names)]
    title = tell("入场和离场")
    drawn = [(title, charts.bars(title, labels, series, beside=True))]
    if told.inside:
        title = tell("在场的车")
        points = [(f"{at.astimezone(zone):%m-%d %H:%M}", count) for at, count in told.inside]
        drawn.append((title, charts.steps(title, points, _marks(visit, told), visit.here.spaces)))
    notes = [tell("虚线是车位总数。周转次数 = 离场 ÷ 车位总数。")]
    many = len(told.days) > 1
    return Report(columns, rows[::-1] if many else rows, drawn, names, notes=notes, by_day=many)


def _hours(visit: Visit, days: Days, told: Told) -> Report:
    tell = visit.tell
    counts = [[0.0] * 24 for _ in WEEK]
    times = [0] * len(WEEK)
    for day, span, sums in told.days:
        times[day.weekday()] += 1
        for hour, count in enumerate(sums.entries):
            at = (span[0] + timedelta(hours=hour)).astimezone(visit.zone)
            if count:
                counts[day.weekday()][at.hour] += count
    average = [[value / max(1, times[day]) for value in row] for day, row in enumerate(counts)]
    week = [tell(day) for day in WEEK]
    across = [str(hour) for hour in range(24)]
    rows = [Row([f"{hour:02}:00", *(f"{average[day][hour]:.1f}" for day in range(len(WEEK)))]) for hour in range(24)]
    title = tell("各钟点平均入场")
    return Report(
        [(tell("钟点"), "text"), *((day, "number") for day in week)],
        rows,
        [(title, charts.squares(title, across, week, average))],
        notes=[tell("这些天里同一个星期几、同一钟点的平均入场数；颜色越深越多。")],
    )


def _lengths(visit: Visit, days: Days, told: Told) -> Report:
    tell = visit.tell
    counts = [sum(sums.lengths[place] for _, _, sums in told.days) for place in range(len(LENGTHS) + 1)]
    every, seconds = sum(counts), sum(sums.seconds for _, _, sums in told.days)
    texts = [_length(length, tell) for length in LENGTHS]
    names = [tell("不到 %(time)s", time=texts[0]), *(f"{one} – {two}" for one, two in pairwise(texts))]
    names.append(tell("%(time)s 以上", time=texts[-1]))
    share = [f"{count * 100 / every:.1f}%" if every else "–" for count in counts]
    rows = [Row([name, count, part]) for name, count, part in zip(names, counts, share, strict=True)]
    title = tell("停了多久")
    drawn = charts.bars(title, [f"< {texts[0]}", *texts], [Series(title, counts)])
    notes = (
        [tell("%(count)d 次停车，平均 %(time)s。", count=every, time=duration(seconds // every, tell))] if every else []
    )
    return Report(
        [(tell("停了多久"), "text"), (tell("次数"), "number"), (tell("占比"), "number")],
        _with_sum(rows, tell("合计"), ""),
        [(title, drawn)],
        summed=True,
        notes=notes,
    )


def _by_hand(visit: Visit, days: Days, told: Told) -> Report:
    tell = visit.tell
    people: dict[str, ByHand] = {}
    for _, _, sums in told.days:
        for who, one in sums.by_hand.items():
            before = people.get(who, ByHand(0, 0))
            people[who] = ByHand(before.lifts + one.lifts, before.without_order + one.without_order)
    order = sorted(people, key=lambda who: (-people[who].lifts, who))
    names = [tell("有订单"), tell("没有订单")]
    rows = [
        Row([who, people[who].lifts, people[who].lifts - people[who].without_order, people[who].without_order])
        for who in order
    ]
    series = [Series(name, [_int(row.cells[2 + place]) for row in rows]) for place, name in enumerate(names)]
    title = tell("谁抬了杆")
    return Report(
        [
            (tell("谁"), "text"),
            (tell("抬杆次数"), "number"),
            (names[0], "number"),
            (names[1], "number"),
        ],
        _with_sum(rows, tell("合计")),
        [(title, charts.bars(title, order, series))],
        names,
        True,
    )


KINDS: dict[str, Kind] = {
    "income": Kind(N_("收入"), _income),
    "traffic": Kind(N_("车流和在场"), _traffic),
    "hours": Kind(N_("钟点和星期"), _hours),
    "lengths": Kind(N_("停车时长"), _lengths),
    "lifts": Kind(N_("人工抬杆"), _by_hand),
}
"""The reports, by the name in the address."""


@get("/lots/{lot_id:str}/reports", right=Right.REPORT_SEE)
async def reports(visit: Here) -> Answer:
    """One of the reports over some days; at first the income of the last thirty."""
    what = visit.asked.get("what", "")
    what = what if what in KINDS else "income"
    try:
        days = fields.days(visit, most=LONGEST, back=BACK)
    except BadValue as error:
        return visit.again(
            "reports.html", error, what=what, kinds=KINDS, report=None, days=None, told=None, invented=False
        )
    told = await reporting.tell(visit.office.database, visit.here, days.first, days.last, visit.now)
    report = KINDS[what].make(visit, days, told)
    lot_id = visit.here.lot_id
    tried = await visit.office.database.read(lambda conn: invented.is_there(conn, lot_id))
    return visit.page("reports.html", what=what, kinds=KINDS, report=report, days=days, told=told, invented=tried)


@post("/lots/{lot_id:str}/invented", right=Right.LOT_SET)
async def clear_invented(visit: Here) -> Answer:
    """Drop the invented week that was made to try the platform."""
    by = visit.by(visit.tell("清除演示数据"))
    await inventing.clear(visit.office.database, visit.here, by, visit.now)
    visit.changed()
    return visit.go(visit.in_lot("reports"), visit.tell("演示数据已清除。"))


@get("/lots/{lot_id:str}/reports/{what:str}/export", right=Right.EXPORT_TAKE)
async def export_report(visit: Here, what: FromPath[str]) -> Answer | Stream:
    """A report's table as a file. Raises BadValue, NotAllowed."""
    need(visit, Right.REPORT_SEE)
    form = visit.text("form", 8) or "csv"
    if what not in KINDS or form not in sheets.TYPES:
        return visit.page("notice.html", status=HTTPStatus.NOT_FOUND, text=visit.tell("没有这样的导出。"))
    days = fields.days(visit, most=LONGEST, back=BACK)
    told = await reporting.tell(visit.office.database, visit.here, days.first, days.last, visit.now)
    if told.missing:
        raise BadValue(visit.tell("还有 %(count)d 天没有汇总完，请过几分钟再导出。", count=told.missing))
    report = KINDS[what].make(visit, days, told)
    await noted(visit, f"report {what}", form)
    title = visit.tell(KINDS[what].title)

    async def rows() -> AsyncIterator[Sequence[sheets.Row]]:
        yield [row.cells for row in report.rows]

    titles, kinds = [name for name, _ in report.columns], [kind for _, kind in report.columns]
    content = sheets.as_csv(titles, kinds, rows()) if form == "csv" else sheets.as_xlsx(title, titles, kinds, rows())
    name = f"{visit.here.name or visit.here.park_id}-{title}-{days.first}-{days.last}.{form}"
    plain = f"{what}-{days.first}-{days.last}.{form}"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Stream(content, media_type=sheets.TYPES[form], headers={"content-disposition": disposition})


def _with_sum(rows: list[Row], name: str, *last: str) -> list[Row]:
    """The rows, and their sum below them; columns after the summed ones are `last`."""
    if not rows:
        return rows
    wide = len(rows[0].cells) - len(last)
    return [*rows, Row([name, *(sum(_int(row.cells[place]) for row in rows) for place in range(1, wide)), *last])]


def _marks(visit: Visit, told: Told) -> list[tuple[int, str]]:
    """What stands below the line of who is inside: hours of a day, else days."""
    local = [at.astimezone(visit.zone) for at, _ in told.inside]
    if len(told.days) == 1:
        return [(place, f"{at.hour}:00") for place, at in enumerate(local) if at.hour % 3 == 0]
    midnights = [place + 1 for place, at in enumerate(local[:-1]) if at.hour == 0]
    places = [0, *midnights]
    every = max(1, -(-len(places) // 12))
    begins = [day for day, _, _ in told.days]
    return [
        (place, _short(begins[number])) for number, place in enumerate(places[: len(begins)]) if number % every == 0
    ]


def _short(day: date) -> str:
    return f"{day.month}-{day.day}"


def _length(seconds: int, tell: Callable[..., str]) -> str:
    """A length that is a round number of minutes, hours or days."""
    if seconds < 3600:
        return tell("%(count)d 分钟", count=seconds // 60)
    if seconds < 86400:
        return tell("%(count)d 小时", count=seconds // 3600)
    return tell("%(count)d 天", count=seconds // 86400)


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}" if fen % 100 == 0 else units.yuan(fen)


def _int(cell: sheets.Cell) -> int:
    return cell if isinstance(cell, int) else 0


PAGES = (reports, export_report, clear_invented)
