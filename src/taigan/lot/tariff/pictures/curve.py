"""The price over the length of stay as SVG: free minutes, steps, times of day and caps are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from html import escape
from itertools import pairwise

from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.evaluation import SHANGHAI, price
from taigan.lot.tariff.model import Period, PriceList, Rate
from taigan.lot.tariff.money import short
from taigan.lot.tariff.pictures import words
from taigan.lot.tariff.pictures.words import Said
from taigan.lot.tariff.result import Price

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 66, 24, 74, 74
LONGEST = 7 * 24

_DOWN = range(TOP + 16, HEIGHT - BOTTOM, 20)
_Label = tuple[str, str, list[tuple[float, float]]]  # text, class, and where it would stand, best first

_MINUTE = timedelta(minutes=1)
_HALF_A_MINUTE = timedelta(seconds=30)
_STYLE = """
svg{--ink:#1f2933;--soft:#66717d;--line:#d5dade;--paper:#fff;--curve:#0b63b0;--band:#eef2f6;--free:#dff3e4;--cap:#b45309}
@media (prefers-color-scheme:dark){svg{--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a434c;--paper:#15191d;--curve:#6cb2f5;
--band:#1f262d;--free:#173a24;--cap:#f0a04b}}
text{font:13px system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;fill:var(--ink)}
.soft{fill:var(--soft);font-size:12px}.title{font-size:16px;font-weight:600}.cap{fill:var(--cap);font-size:12px}
.free{fill:var(--soft);font-size:12px}.step{fill:var(--curve);font-size:12px}
.halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
"""


@dataclass(frozen=True, slots=True)
class _Rise:
    """From this minute of the stay on it costs so much."""

    minute: int
    fen: int


def curve(
    price_list: PriceList,
    entry: datetime,
    hours: int = 26,
    vehicle: str = "",
    language: str = "zh",
    *,
    zone: tzinfo = SHANGHAI,
    calendar: Calendar | None = None,
    title: str = "",
    bare: bool = False,
) -> str:
    """An SVG of what stays of up to so many hours (1 to 168) from this entry cost. Raises what `price` raises.

    `bare`: without a style of its own, to stand inside a page that gives its classes and colours.
    """
    minutes = max(1, min(hours, LONGEST)) * 60
    entry = entry.replace(second=0, microsecond=0)

    def after(length: timedelta) -> Price:
        return price(price_list, entry, entry + length, vehicle, zone=zone, calendar=calendar)

    rises: list[_Rise] = []
    for minute in range(minutes):  # all switches lie on whole minutes: between two of them the price is one
        fen = after(minute * _MINUTE + _HALF_A_MINUTE).fen
        if not rises or rises[-1].fen != fen:
            rises.append(_Rise(minute, fen))
    whole = after(minutes * _MINUTE)
    rate = price_list.rates[whole.rate]
    return _Drawing(rate, whole, rises, minutes, entry.astimezone(zone), language, title).svg(bare=bare)


@dataclass(frozen=True, slots=True)
class _Box:
    """What something takes of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class _Drawing:
    def __init__(
        self,
        rate: Rate,
        whole: Price,
        rises: list[_Rise],
        minutes: int,
        entry: datetime,
        language: str,
        title: str,
    ) -> None:
        self._rate = rate
        self._whole = whole
        self._rises = rises
        self._minutes = minutes
        self._entry = entry
        self._language = language
        self._title = title
        self._top = _nice(max(rise.fen for rise in rises) or 100)
        self._parts: list[str] = []
        self._taken: list[_Box] = []  # by markers and texts
        self._curve: list[_Box] = []
        self._begun: list[_Label] = []

    def svg(self, *, bare: bool) -> str:
        self._bands()
        self._axes()
        labels = [*self._free_minutes(), *self._line(), *self._caps(), *self._steps(), *self._begun]
        for text, kind, wishes in labels:  # when all markers are drawn
            self._label(text, kind, wishes)
        heading = self._heading()
        named = (
            f' aria-label="{escape(heading)}">' if bare else f"><title>{escape(heading)}</title><style>{_STYLE}</style>"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'role="img" lang="{"zh-CN" if self._language == "zh" else "en"}"{named}'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="var(--paper)"/>'
            f"{self._text(LEFT, 28, heading, 'title')}{''.join(self._parts)}</svg>\n"
        )

    def _heading(self) -> str:
        day, time = words.weekday(self._entry.date()), f"{self._entry:%H:%M}"
        words_of = Said(
            f"{day.zh} {time} 入场，停多久付多少", f"Entry on a {day.en} at {time}: what a stay of which length costs"
        )
        return f"{self._title}{Said('：', ': ').of(self._language) if self._title else ''}{words_of.of(self._language)}"

    def _x(self, minute: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * minute / self._minutes

    def _y(self, fen: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * fen / self._top

    def _at(self, moment: datetime) -> int:
        return (moment - self._entry) // _MINUTE

    def _text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'

    def _label(self, text: str, kind: str, wishes: Sequence[tuple[float, float]]) -> None:
        """A text where first nothing else is, or where only the curve runs beneath it; nowhere, if there is no room."""
        width = _width(text)
        places = []
        for x, y in wishes:
            left = min(x, WIDTH - RIGHT - width)
            box = _Box(left - 3, y - 12, left + width + 3, y + 5)
            if left > LEFT and box.top >= TOP - 20 and box.bottom < HEIGHT - BOTTOM:
                places.append((left, y, box))
        for others in ([*self._taken, *self._curve], self._taken):
            for left, y, box in places:
                if not any(box.meets(other) for other in others):
                    self._taken.append(box)
                    self._parts.append(self._text(left, y, text, f"{kind} halo"))
                    return

    def _bands(self) -> None:
        """The times of day, each with its hours above."""
        floor, height = TOP, HEIGHT - TOP - BOTTOM
        last = -1
        for piece in self._whole.slices:
            begin, end = self._x(self._at(piece.start)), self._x(self._at(piece.end))
            section = self._rate.sections[piece.section]
            fill = "var(--free)" if section.free else "var(--band)" if piece.section % 2 else ""
            if fill:
                self._parts.append(
                    f'<rect x="{begin:.1f}" y="{floor}" width="{end - begin:.1f}" height="{height}" fill="{fill}"/>'
                )
            hours = words.times(section).of(self._language)
            if len(self._rate.sections) > 1 and piece.section != last and end - begin > 7 * len(hours):
                self._parts.append(self._text((begin + end) / 2, TOP - 8, hours, "soft", "middle"))
            last = piece.section
        for period in self._whole.periods[1:]:
            x = self._x(self._at(period.start))
            text = self._new_period(period.start)
            beside = x + 5 if x + 5 + _width(text) <= WIDTH - RIGHT else x - 5 - _width(text)
            self._begun.append((text, "soft", [(beside, y) for y in _DOWN]))
            self._parts.append(
                f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="var(--soft)" '
                'stroke-dasharray="2 4"/>'
            )

    def _new_period(self, start: datetime) -> str:
        """What begins at a dotted line."""
        if self._rate.period is Period.HOURS_24:
            length = words.length(self._at(start))
            return Said(f"满{length.zh}，重新起算", f"{length.en}: counted anew").of(self._language)
        return Said(f"{start.astimezone(self._entry.tzinfo):%H:%M} 新的一天", "a new day").of(self._language)

    def _axes(self) -> None:
        each = next(
            step for step in (25, 50, 100, 200, 500, 1000, 2000, 5000, 10**4, 10**5, 10**7) if self._top / step <= 8
        )
        for fen in range(0, self._top + 1, each):
            y = self._y(fen)
            self._parts.append(
                f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="var(--line)"/>'
                + self._text(LEFT - 8, y + 4, short(fen), "soft", "end")
            )
        self._parts.append(self._text(LEFT - 8, TOP - 14, Said("元", "yuan").of(self._language), "soft", "end"))
        hours = self._minutes // 60
        every = next(step for step in (1, 2, 3, 6, 12, 24) if hours / step <= 14)
        for hour in range(0, hours + 1, every):
            x = self._x(hour * 60)
            clock = self._entry + timedelta(hours=hour)
            self._parts.append(
                f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v5" stroke="var(--soft)"/>'
                + self._text(x, HEIGHT - BOTTOM + 20, Said(f"{hour}小时", f"{hour} h").of(self._language), "", "middle")
                + self._text(x, HEIGHT - BOTTOM + 37, f"{clock:%H:%M}", "soft", "middle")
            )
        day = f"{self._entry:%Y-%m-%d}"
        self._parts.append(
            self._text(
                (LEFT + WIDTH - RIGHT) / 2,
                HEIGHT - 14,
                Said(f"停车时长（下行为钟点，{day}入场）", f"length of stay (below: the clock, entry on {day})").of(
                    self._language
                ),
                "soft",
                "middle",
            )
        )

    def _free_minutes(self) -> list[_Label]:
        until = self._rises[1].minute if len(self._rises) > 1 else self._minutes
        if self._rises[0].fen or not self._rate.free:
            return []
        x = self._x(until)
        self._parts.append(
            f'<rect x="{LEFT}" y="{TOP}" width="{x - LEFT:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="var(--free)"/>'
        )
        free = words.length(until)
        text = Said(f"{free.zh}免费", f"{free.en} free").of(self._language)
        return [(text, "free", [(x + 5, y) for y in _DOWN])]

    def _line(self) -> list[_Label]:
        points = []
        for rise, following in zip(self._rises, [*self._rises[1:], None], strict=True):
            end = following.minute if following else self._minutes
            points += [(rise.minute, rise.fen), (end, rise.fen)]
        path = " ".join(f"{self._x(minute):.1f},{self._y(fen):.1f}" for minute, fen in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="var(--curve)" stroke-width="2.5" stroke-linejoin="round"/>'
        )
        for (minute, fen), (end, after) in pairwise(points):
            x, y, to_x, to_y = self._x(minute), self._y(fen), self._x(end), self._y(after)
            self._curve.append(_Box(x - 2, min(y, to_y) - 2, to_x + 2, max(y, to_y) + 2))
        last = self._rises[-1]
        text = Said(f"{short(last.fen)}元", f"¥{short(last.fen)}").of(self._language)
        return [(text, "step", [(WIDTH, self._y(last.fen) + down) for down in (-8, -24, 19)])]

    def _caps(self) -> list[_Label]:
        labels = []
        for period in self._whole.periods:
            if period.cap is not None and period.sum > period.cap:
                text = Said(f"封顶 {short(period.cap)}元", f"at most ¥{short(period.cap)}")
                labels.append(self._flat(period.start, period.end, text))
        sums = [0] * len(self._whole.periods)
        for piece in self._whole.slices:
            section, period = self._rate.sections[piece.section], self._whole.periods[piece.period]
            sums[piece.period] += piece.fen
            hidden = period.cap is not None and sums[piece.period] > period.cap  # the period's cap holds it already
            if piece.capped and section.cap is not None and not hidden:
                text = Said(f"时段封顶 {short(section.cap)}元", f"at most ¥{short(section.cap)} here")
                labels.append(self._flat(piece.start, piece.end, text))
        return labels

    def _flat(self, start: datetime, end: datetime, text: Said) -> _Label:
        """Mark the last stretch before `end` in which the price stands."""
        begin, until = self._at(start), self._at(end)
        rise = [rise for rise in self._rises if rise.minute < until][-1]
        x, y = self._x(max(rise.minute, begin)), self._y(rise.fen)
        self._parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{self._x(until):.1f}" y2="{y:.1f}" stroke="var(--cap)" '
            'stroke-width="5" stroke-linecap="round" opacity="0.55"/>'
        )
        along = [x + 4 + (self._x(until) - x) * part / 8 for part in range(8)]
        return text.of(self._language), "cap", [(x, y + down) for down in (-9, 19, -25, 35) for x in along]

    def _steps(self) -> list[_Label]:
        """Where a step of a section begins, with what it costs from there."""
        labels = []
        for piece in self._whole.slices[:12]:
            section = self._rate.sections[piece.section]
            lines = words.charges(self._rate, section)
            begin = 0
            for step, line in zip(section.steps, lines, strict=section.steps != ()):
                minute = self._at(piece.start) + begin
                begin = step.up_to or begin
                if minute >= self._at(piece.end):
                    break
                fen = next(rise.fen for rise in reversed(self._rises) if rise.minute <= minute)
                x, y = self._x(minute), self._y(fen)
                self._parts.append(
                    f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--paper)" stroke="var(--curve)"/>'
                )
                text = line.of(self._language).replace("：", ": ").split(": ", 1)[-1]
                self._taken.append(_Box(x - 5, y - 5, x + 5, y + 5))
                beside = [
                    (left, y + down) for down in (-10, 18, -26, 34, -42, 50) for left in (x + 8, x - 8 - _width(text))
                ]
                labels.append((text, "step", [*self._beneath(x, y), *beside]))
        return labels

    def _beneath(self, x: float, y: float) -> list[tuple[float, float]]:
        """Where a text lies under the curve: at the bottom, farther to the right, where the curve has left it room."""
        floor = HEIGHT - BOTTOM - 8
        if y + 18 <= floor:
            return [(x + 8, y + 18)]
        found: list[tuple[float, float]] = []
        for level in (floor, floor - 18):
            above = (self._x(rise.minute) for rise in self._rises if self._y(rise.fen) < level - 20)
            found.append((max(x, next(above, x)) + 8, level))
        return found


def _width(text: str) -> float:
    return sum(12.5 if ord(character) > 0x2E7F else 6.8 for character in text)


def _nice(fen: int) -> int:
    """The next round amount from here."""
    step = next(step for step in (50, 100, 200, 500, 1000, 2000, 5000, 10**4, 10**5, 10**6, 10**8) if fen / step <= 10)
    return (fen // step + 1) * step
