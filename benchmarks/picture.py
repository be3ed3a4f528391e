"""The result as a picture."""

from __future__ import annotations

from html import escape
from typing import Any

WIDTH, ROW, LEFT, RIGHT = 760, 30, 230, 90
COLOURS = {"taigan": "#1f7a4d", "usual": "#b4532a", "bare": "#8a8f98", "pgbench": "#3a6ea5"}


def bars(rates: dict[str, Any]) -> str:
    """A bar for each contestant, as long as its median, with a line from its least to its most."""
    ordered = sorted(rates.items(), key=lambda item: -item[1]["median"])
    longest = max(rate["most"] for _, rate in ordered)
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = ROW * len(ordered) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="12" y="24" font-size="15" font-weight="600">Entries a second, median of the rounds</text>',
    ]
    for number, (name, rate) in enumerate(ordered):
        y = 40 + number * ROW
        colour = COLOURS.get(name.split()[0], "#555555")
        least, most = LEFT + rate["least"] * scale, LEFT + rate["most"] * scale
        middle = y + ROW / 2 - 4
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 5}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{rate["median"] * scale:.1f}" height="{ROW - 8}" fill="{colour}"/>',
            f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}" stroke="#222222" stroke-width="1.5"/>',
            f'<text x="{most + 8:.1f}" y="{middle + 5}">{rate["median"]:.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
