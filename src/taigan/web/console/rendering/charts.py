"""Charts as SVG, drawn on the server: bars upon each other, a line in steps, a field of squares. Each stands beside the
table of its numbers, so that a reader of screens hears what it is called and reads the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
TONES = 7
"""So many colours there are; series beyond share the last."""

Say = Callable[[int], str]


class Series(NamedTuple):
    """One colour of the bars."""

    name: str
    values: Sequence[int]


def bars(
    title: str, labels: Sequence[str], series: Sequence[Series], say: Say = str, *, beside: bool = False
) -> Markup:
    """Bars for each label, its series upon each other, or `beside` each other. `say` writes a value."""
    each = [[one.values[place] for one in series] for place in range(len(labels))]
    top = _top(max((max(values) if beside else sum(values) for values in each), default=0))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(labels))
    wide = max(1.0, min(48.0, slot * 0.72))
    parts = [_axis(top, say), _below(labels, lambda place: LEFT + slot * (place + 0.5))]
    for place, values in enumerate(each):
        parts.append(Markup("<g><title>{}</title>").format(_told(labels[place], series, place, say)))
        left, below = LEFT + slot * (place + 0.5) - wide / 2, 0
        share = wide / len(series) if beside else wide
        for tone, value in enumerate(values):
            high = _y(below, top) - _y(below + value, top)
            if value:
                parts.append(_rect(left, _y(below + value, top), share, high, f"t{min(tone, TONES - 1)}"))
            left += share if beside else 0
            below += 0 if beside else value
        parts.append(Markup("</g>"))
    return _drawing(title, parts)


def steps(title: str, points: Sequence[tuple[str, int]], labels: Sequence[tuple[int, str]], most: int = 0) -> Markup:
    """A line that holds each value until the next one; `labels` stand below the points they number. `most`: a value
    that is drawn as a line across, like the spaces there are."""
    top = _top(max([most, *(value for _, value in points)], default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points))
    parts = [_axis(top, str)]
    texts = dict(labels)
    parts.append(
        _below(
            [texts.get(place, "") for place in range(len(points))],
            lambda place: LEFT + step * place,
            every=1,
        )
    )
    path = " ".join(
        f"{'M' if place == 0 else 'V'}{LEFT if place == 0 else ''}{' ' if place == 0 else ''}{_y(value, top):.1f}"
        f"H{LEFT + step * (place + 1):.1f}"
        for place, (_, value) in enumerate(points)
    )
    parts.append(Markup('<path class="line" d="{}"/>').format(path))
    if most:
        parts.append(
            Markup('<line class="most" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                LEFT, WIDTH - RIGHT, _y(most, top), _y(most, top)
            )
        )
    return _drawing(title, parts)


def squares(title: str, across: Sequence[str], down: Sequence[str], values: Sequence[Sequence[float]]) -> Markup:
    """A square for each value, the fuller the darker."""
    top = max((value for row in values for value in row), default=0) or 1
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(across))
    high = 28
    parts: list[Markup] = []
    for row, label in enumerate(down):
        y = TOP + row * high
        parts.append(Markup('<text class="y" x="{}" y="{}">{}</text>').format(LEFT - 8, y + high / 2 + 4, label))
        for column, value in enumerate(values[row]):
            tone = 0 if not value else 1 + min(4, floor(value / top * 4.999))
            said = Markup("<title>{} {}: {:.1f}</title>").format(label, across[column], value)
            parts.append(
                Markup('<rect class="h{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2">{}</rect>').format(
                    tone, LEFT + column * wide + 1, y + 1, wide - 2, high - 2, said
                )
            )
    bottom = TOP + len(down) * high + 18
    for column, label in enumerate(across):
        x = LEFT + (column + 0.5) * wide
        parts.append(Markup('<text class="x" x="{:.1f}" y="{}">{}</text>').format(x, bottom, label))
    return _drawing(title, parts, bottom + 8)


def _drawing(title: str, parts: Sequence[Markup], height: int = HEIGHT) -> Markup:
    opened = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, title)
    return opened + Markup("").join(parts) + Markup("</svg>")


def _rect(x: float, y: float, width: float, height: float, tone: str) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        tone, x, y, width, height
    )


def _axis(top: int, say: Say) -> Markup:
    parts = []
    for quarter in range(5):
        value = top * quarter // 4
        y = _y(value, top)
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH - RIGHT, y, y)
        )
        parts.append(Markup('<text class="y" x="{}" y="{:.1f}">{}</text>').format(LEFT - 8, y + 4, say(value)))
    return Markup("").join(parts)


def _below(labels: Sequence[str], x: Callable[[int], float], every: int = 0) -> Markup:
    every = every or max(1, -(-len(labels) // 12))
    texts = [
        Markup('<text class="x" x="{:.1f}" y="{}">{}</text>').format(x(place), HEIGHT - 8, label)
        for place, label in enumerate(labels)
        if label and place % every == 0
    ]
    return Markup("").join(texts)


def _told(label: str, series: Sequence[Series], place: int, say: Say) -> str:
    return "\n".join([label, *(f"{one.name} {say(one.values[place])}" for one in series if one.values[place])])


def _y(value: float, top: int) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _top(most: int) -> int:
    """A round number that is no smaller, and of which the quarters are round too."""
    if most <= 4:
        return 4
    scale = 10 ** floor(log10(most))
    return int(
        next(scale * step // 10 for step in (12, 16, 20, 24, 32, 40, 60, 80, 100, 120) if scale * step >= most * 10)
    )
