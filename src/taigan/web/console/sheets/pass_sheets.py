"""A list of passes as a spreadsheet writes it: CSV in UTF-8 or GBK, read line by line, with each slip by its place."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.people.passes import FROM_BOLINK, MOST_GRACE_DAYS, MOST_PLATES, MOST_SPACES, GivenPass, Limits
from taigan.lot.stays import pass_times

Tell = Callable[..., str]
Slipped = Callable[[str, str], None]
MOST_ROWS = 20_000
MOST_SLIPS = 50
"""So many slips are told; the rest are counted."""
NAMES = {
    "card": ("卡号", "月卡号", "card", "card_id", "card number"),
    "plates": ("车牌", "车牌号", "plate", "plates"),
    "holder": ("持卡人", "车主", "姓名", "holder"),
    "from": ("从", "开始", "生效", "开始日期", "from", "starts", "starts_at"),
    "to": ("到", "结束", "到期", "到期日期", "结束日期", "to", "ends", "ends_at"),
    "spaces": ("车位数", "车位", "spaces"),
    "areas": ("区域", "areas", "area"),
    "hours": ("时段", "time of day", "hours"),
    "days": ("星期", "哪几天", "days"),
    "grace_days": ("宽限天数", "宽限", "days of grace", "grace_days"),
    "ended": ("停用", "ended", "ended_at"),
}
"""Columns, by what they may be called; others are not read."""
LIMITS = Limits.__struct_fields__
"""Columns that a list may leave out: passes keep what they are limited to."""
NEEDED = ("card", "plates", "from", "to")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_BETWEEN = re.compile(r"[\s,，;；、/|]+")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Slip(msgspec.Struct, frozen=True):
    """What is wrong at a place. `column` is the title that stands there; empty: the line as a whole."""

    line: int
    column: str
    text: str


class Sheet(msgspec.Struct):
    """What a list comes to. `ended` and `of_bolink`: lines that were left out, for passes that are ended or BoLink's;
    `unread`: titles of columns that are not read; `slips` above MOST_SLIPS are counted in `more`."""

    passes: list[GivenPass] = []
    slips: list[Slip] = []
    more: int = 0
    ended: int = 0
    of_bolink: int = 0
    unread: list[str] = []

    def slip(self, line: int, column: str, text: str) -> None:
        """Note what is wrong at a place."""
        if len(self.slips) < MOST_SLIPS:
            self.slips.append(Slip(line, column, text))
        else:
            self.more += 1


def read(data: bytes, zone: ZoneInfo, tell: Tell, areas: Collection[str] = ()) -> Sheet:
    """Read a list. `areas`: those that the lot has. Nothing is raised: what cannot be read is a slip."""
    sheet = Sheet()
    text = _text(data)
    if text is None:
        sheet.slip(1, "", tell("文件不是 UTF-8，也不是 GBK：在 Excel 里另存为“CSV UTF-8”。"))
        return sheet
    try:
        _read(text, sheet, zone, tell, areas)
    except csv.Error:
        sheet.slip(1, "", tell("这不是 CSV：在 Excel 里另存为“CSV UTF-8”。"))
    return sheet


def written(passes: list[GivenPass]) -> str:
    """The same list again, as `read` takes it: what a form carries from the preview to the act."""
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    limited = next((one.told for one in passes if one.limits is not None), ())
    sheet.writerow([NAMES[name][0] for name in ("card", "plates", "holder", "from", "to", *limited)])
    for one in passes:
        moments = [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (one.starts_at, one.ends_at)]
        has = one.limits or Limits()
        grace = "" if has.grace_days is None else has.grace_days
        cells = {"spaces": has.spaces or "", "areas": " ".join(has.areas), "hours": has.hours, "days": has.days}
        cells["grace_days"] = grace
        sheet.writerow([one.card_id, " ".join(one.plates), one.holder, *moments, *(cells[name] for name in limited)])
    return text.getvalue()


def _text(data: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    return _decoded(data, "utf-8") or _decoded(data, "gb18030")


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _read(text: str, sheet: Sheet, zone: ZoneInfo, tell: Tell, areas: Collection[str]) -> None:
    head = text.split("\n", 1)[0]
    between = max("\t;,", key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=between)
    titles = [_plain(title) for title in next(lines, [])]
    place = {name: number for number, title in enumerate(titles) for name in NAMES if title.lower() in NAMES[name]}
    missing = [NAMES[name][0] for name in NEEDED if name not in place]
    if missing:
        titled = "、".join(missing)
        sheet.slip(1, "", tell("第一行要是列名，缺：%(titles)s。", titles=titled))
        return
    sheet.unread = [title for number, title in enumerate(titles) if title and number not in place.values()]
    seen: dict[str, int] = {}
    begun = lines.line_num + 1
    for cells in lines:
        line, begun = begun, lines.line_num + 1
        values = {name: _plain(cells[at]) if at < len(cells) else "" for name, at in place.items()}
        if not any(values.values()):
            continue
        if len(seen) >= MOST_ROWS:
            sheet.slip(line, "", tell("一次最多 %(count)d 张。", count=MOST_ROWS))
            return
        _line(sheet, line, values, {name: titles[at] for name, at in place.items()}, seen, zone, tell, areas)


def _line(
    sheet: Sheet,
    line: int,
    values: dict[str, str],
    titled: dict[str, str],
    seen: dict[str, int],
    zone: ZoneInfo,
    tell: Tell,
    areas: Collection[str],
) -> None:
    before = len(sheet.slips) + sheet.more

    def slip(column: str, text: str) -> None:
        sheet.slip(line, titled[column], text)

    card_id = values["card"]
    if values.get("ended"):
        sheet.ended += 1
        return
    if card_id.startswith(FROM_BOLINK):
        sheet.of_bolink += 1
        return
    if not card_id or len(card_id) > 64 or "\x00" in card_id:
        slip("card", tell("卡号要有 1 到 64 个字。"))
    elif card_id in seen:
        slip("card", tell("%(card)s 在第 %(line)d 行已经有了。", card=card_id[:64], line=seen[card_id]))
    else:
        seen[card_id] = line
    found = plates(values["plates"], slip, tell)
    holder = values.get("holder", "")
    if len(holder) > 100 or "\x00" in holder:
        slip("holder", tell("最多 %(count)d 个字", count=100))
    begins = _moment(values["from"], False, zone, "from", slip, tell)
    ends = _moment(values["to"], True, zone, "to", slip, tell)
    if begins is not None and ends is not None and ends <= begins:
        slip("to", tell("“到”要不早于“从”。"))
    told = tuple(name for name in LIMITS if name in values)
    limited = limits(values, areas, slip, tell) if told else None
    if len(sheet.slips) + sheet.more == before and begins is not None and ends is not None:
        sheet.passes.append(GivenPass(card_id, holder, found, begins, ends, limited, told))


def plates(text: str, slip: Slipped, tell: Tell) -> tuple[str, ...]:
    """The plates of a cell, as they are kept; what is none is told to `slip`."""
    found: dict[str, None] = {}
    parts = [part for part in _BETWEEN.split(text) if part]
    if not parts:
        slip("plates", tell("请填车牌。"))
    elif len(parts) > MOST_PLATES:
        slip("plates", tell("一张卡最多 %(count)d 个车牌。", count=MOST_PLATES))
    for part in parts[:MOST_PLATES]:
        try:
            plate = plate_of(part)
        except NotAPlate:
            plate = ""
        if plate.isalnum():
            found[plate] = None
        else:
            slip("plates", tell("%(plate)s 不像车牌。", plate=part[:16]))
    return tuple(found)


def limits(cells: Mapping[str, str], known: Collection[str], slip: Slipped, tell: Tell) -> Limits:
    """What cells say a pass is limited to; what cannot be so is told to `slip`."""
    spaces, areas = cells.get("spaces", ""), cells.get("areas", "")
    number = int(spaces) if spaces.isascii() and spaces.isdecimal() and len(spaces) < 5 else 0
    if number > MOST_SPACES or (spaces and str(number) != spaces):
        slip("spaces", tell("车位数从 0 到 %(count)d；不共用就空着。", count=MOST_SPACES))
    wanted = tuple(sorted({part for part in _BETWEEN.split(areas) if part}))
    if unknown := [area for area in wanted if area not in known]:
        slip("areas", tell("没有区域 %(area)s：在“区域和时段”里设。", area=unknown[0][:32]))
    days, hours = times(cells.get("days", ""), cells.get("hours", ""), slip, tell)
    grace = grace_days(cells.get("grace_days", ""), slip, tell)
    return Limits(min(number, MOST_SPACES), wanted, hours, days, grace)


def times(days: str, hours: str, slip: Slipped, tell: Tell) -> tuple[str, str]:
    """Days and hours as they are kept; what cannot be so is told to `slip`."""
    found = ["", ""]
    try:
        found[0] = " ".join(pass_times.days_of(days))
    except ValueError:
        slip("days", tell("写成 周一至周五，或 工作日、周末、节假日。"))
    try:
        found[1] = pass_times.written(pass_times.hours_of(hours))
    except ValueError:
        slip("hours", tell("时段要写成 22:00-08:00，几段用空格隔开。"))
    return found[0], found[1]


def grace_days(text: str, slip: Slipped, tell: Tell) -> int | None:
    """How many days of grace a cell says; None: none of its own."""
    if not text:
        return None
    days = int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else MOST_GRACE_DAYS + 1
    if days > MOST_GRACE_DAYS:
        slip("grace_days", tell("宽限从 0 到 %(count)d 天；照本场规定就空着。", count=MOST_GRACE_DAYS))
    return min(days, MOST_GRACE_DAYS)


def _moment(text: str, is_end: bool, zone: ZoneInfo, column: str, slip: Slipped, tell: Tell) -> datetime | None:
    """A day's begin, or for `is_end` the end of that day; with a time, that moment."""
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        if not 1971 <= year <= 9000:
            raise ValueError(year)
        if found[4] is not None:
            return datetime(year, month, day, hour, minute, second, tzinfo=zone)
        whole = date(year, month, day) + timedelta(days=1 if is_end else 0)
        return datetime.combine(whole, time(), zone)
    except ValueError:
        slip(column, tell("日期要写成 2026-01-31。"))
        return None


def _plain(cell: str) -> str:
    """A cell without the signs that our own exports put before what a spreadsheet would misread."""
    text = cell.strip().strip("﻿")
    return text[1:].strip() if text.startswith("'") else text
