"""The sign at a lane: its code, the three steps, whom to call. For paper (A4) and for the lane's screen.

One drawing, three writers. Text is drawn as outlines of a font that comes along, so a sign looks the same at every
print shop, whatever fonts it has. The code has error correction H: up to 30 % of it may be dirty.
"""

from __future__ import annotations

import enum
import io
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import segno

PAPER = "#ffffff"
INK = "#10161d"
QUIET = "#4b5763"
BAND = "#0b5cad"


@dataclass(frozen=True, slots=True)
class Words:
    """What a sign says beside its code, in Chinese and English."""

    title: tuple[str, str]
    steps: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    note: str


ENTRY = Words(
    ("无牌车扫码入场", "No plate? Scan to enter"),
    (
        ("把车停到道闸前", "Stop in front of the barrier"),
        ("用微信或支付宝扫码", "Scan with WeChat or Alipay"),
        ("看到“入场成功”后驶入", "Drive in when your phone says so"),
    ),
    "出场时请用同一个微信或支付宝扫码 · Leave with the same app",
)
EXIT = Words(
    ("扫码缴费出场", "Scan to pay and leave"),
    (
        ("把车停到道闸前", "Stop in front of the barrier"),
        ("用微信或支付宝扫码缴费", "Scan and pay with WeChat or Alipay"),
        ("抬杆后驶出", "Drive out when the arm is up"),
    ),
    "无牌车请用入场时的微信或支付宝 · No plate? Use the app you came in with",
)
PREPAY = Words(
    ("提前缴费，出场不排队", "Pay here, leave without waiting"),
    (
        ("用微信或支付宝扫码", "Scan with WeChat or Alipay"),
        ("输入车牌，核对后缴费", "Type your plate, check it and pay"),
        ("在提示的时间之前离场", "Leave before the time you are told"),
    ),
    "无牌车请用入场时的微信或支付宝 · No plate? Use the app you came in with",
)
_LANE = "车道 Lane"
_HELP = "需要帮助 Help"


class Size(enum.StrEnum):
    """What the sign is for. `a4` is 210 x 297 mm, `screen` 1080 x 1920 pixels."""

    A4 = "a4"
    SCREEN = "screen"


class Format(enum.StrEnum):
    """How the sign is written."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"


MEDIA_TYPES = {Format.SVG: "image/svg+xml", Format.PNG: "image/png", Format.PDF: "application/pdf"}
_PIXELS_PER_UNIT = {Size.A4: 300 / 25.4, Size.SCREEN: 10.0}  # a unit is a millimetre on paper


def accepted(accept: str) -> Format:
    """The first format that an Accept header names; SVG when it names none."""
    for part in accept.split(","):
        for form, media_type in MEDIA_TYPES.items():
            if part.partition(";")[0].strip().lower() == media_type:
                return form
    return Format.SVG


@dataclass(frozen=True, slots=True)
class Sign:
    """What a sign says. `lane` is empty for one that hangs inside; `attendant` is whom to call, or empty."""

    url: str
    lot: str
    lane: str
    attendant: str
    words: Words = ENTRY


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    colour: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class _Text:
    """A line of text: `x` is its start, middle or end as `anchor` says, `y` its base line."""

    x: float
    y: float
    size: float
    text: str
    colour: str
    anchor: str


_Stroke = tuple[str, tuple[tuple[float, float], ...]]


@dataclass
class Sheet:
    """A drawing in units from the top left corner."""

    width: float
    height: float
    title: str
    font: Font
    shapes: list[_Box | _Text] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0.0) -> None:
        self.shapes.append(_Box(x, y, width, height, colour, radius))

    def text(
        self, x: float, y: float, size: float, text: str, *, colour: str = INK, anchor: str = "start", within: float
    ) -> None:
        """A line that is made smaller until it fits into `within`."""
        size = min(size, size * within / max(self.font.width(text, size), 0.01))
        self.shapes.append(_Text(x, y, size, text, colour, anchor))

    def code(self, url: str, x: float, y: float, side: float) -> None:
        """A QR code with its quiet zone, `side` wide."""
        rows = [bytes(row) for row in segno.make(url, error="h", micro=False, boost_error=False).matrix]
        module = side / (len(rows) + 8)
        self.box(x, y, side, side, PAPER)
        for down, row in enumerate(rows, 4):
            across = 0
            while across < len(row):
                run = across
                while run < len(row) and row[run]:
                    run += 1
                if run > across:
                    self.box(x + (across + 4) * module, y + down * module, (run - across) * module, module, INK)
                across = run + 1


class Font:
    """The font that comes along: Noto Sans SC Bold with the characters of GB 2312. Others show as a box."""

    def __init__(self) -> None:
        from fontTools.ttLib import TTFont  # late: only signs need it

        self.data = files("taigan.web").joinpath("fonts", "NotoSansSC-Bold.otf").read_bytes()
        self._font: Any = TTFont(io.BytesIO(self.data), lazy=True)
        self._glyphs: Any = self._font.getGlyphSet()

    @cached_property
    def _names(self) -> dict[int, str]:
        return dict(self._font.getBestCmap())

    @cached_property
    def _em(self) -> int:
        return int(self._font["head"].unitsPerEm)

    def width(self, text: str, size: float) -> float:
        return float(sum(glyph.width for glyph in self._line(text)) * size / self._em)

    def outline(self, line: _Text) -> list[_Stroke]:
        """The line as moves, lines and curves in units."""
        from fontTools.pens.recordingPen import DecomposingRecordingPen
        from fontTools.pens.transformPen import TransformPen

        scale = line.size / self._em
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[line.anchor]
        x = line.x - shift * self.width(line.text, line.size)
        pen = DecomposingRecordingPen(self._glyphs)
        for glyph in self._line(line.text):
            glyph.draw(TransformPen(pen, (scale, 0, 0, -scale, x, line.y)))
            x += glyph.width * scale
        return list(pen.value)

    def _line(self, text: str) -> list[Any]:
        return [self._glyphs[self._names.get(ord(sign), ".notdef")] for sign in text]


def poster(sign: Sign, size: Size, form: Format) -> bytes:
    """The sign as a file. Takes up to a second of CPU: call it in a thread."""
    sheet = (_paper if size is Size.A4 else _screen)(sign, Font())
    match form:
        case Format.SVG:
            return _svg(sheet, "mm" if size is Size.A4 else "px", 1.0 if size is Size.A4 else _PIXELS_PER_UNIT[size])
        case Format.PNG:
            return _png(sheet, _PIXELS_PER_UNIT[size])
        case Format.PDF:
            return _pdf(sheet)


def _paper(sign: Sign, font: Font) -> Sheet:
    sheet = Sheet(210, 297, f"{sign.lot} {sign.lane}".strip(), font)
    sheet.box(0, 0, 210, 297, PAPER)
    sheet.box(0, 0, 210, 46, BAND)
    sheet.text(105, 23, 19, sign.words.title[0], colour=PAPER, anchor="middle", within=190)
    sheet.text(105, 38, 11, sign.words.title[1], colour=PAPER, anchor="middle", within=190)
    sheet.text(16, 63, 10, sign.lot, within=118)
    if sign.lane:
        sheet.text(158, 63, 7, _LANE, colour=QUIET, anchor="end", within=30)
        sheet.box(161, 50.5, 33, 18, INK, 3)
        sheet.text(177.5, 64, 13, sign.lane, colour=PAPER, anchor="middle", within=29)
    sheet.code(sign.url, 40, 70, 130)
    _steps(sheet, sign.words, x=24, y=211, step=19.5, size=9.5, within=150)
    sheet.text(105, 267, 4.6, sign.words.note, colour=QUIET, anchor="middle", within=180)
    if sign.attendant:
        sheet.box(16, 273, 178, 15, "#e8edf2", 3)
        sheet.text(105, 283, 7, f"{_HELP}  {sign.attendant}", anchor="middle", within=168)
    return sheet


def _screen(sign: Sign, font: Font) -> Sheet:
    sheet = Sheet(108, 192, f"{sign.lot} {sign.lane}".strip(), font)
    sheet.box(0, 0, 108, 192, PAPER)
    sheet.box(0, 0, 108, 28, BAND)
    sheet.text(54, 14, 11, sign.words.title[0], colour=PAPER, anchor="middle", within=98)
    sheet.text(54, 23, 6.4, sign.words.title[1], colour=PAPER, anchor="middle", within=98)
    sheet.text(6, 39, 6, sign.lot, within=58)
    if sign.lane:
        sheet.text(83, 39, 3.8, _LANE, colour=QUIET, anchor="end", within=16)
        sheet.box(85, 31.5, 17, 10, INK, 2)
        sheet.text(93.5, 39, 7, sign.lane, colour=PAPER, anchor="middle", within=15)
    sheet.code(sign.url, 12, 43, 84)
    _steps(sheet, sign.words, x=10, y=136, step=13.5, size=6.4, within=84)
    if sign.attendant:
        sheet.box(6, 177, 96, 10.5, "#e8edf2", 2)
        sheet.text(54, 184, 4.8, f"{_HELP}  {sign.attendant}", anchor="middle", within=90)
    return sheet


def _steps(sheet: Sheet, words: Words, *, x: float, y: float, step: float, size: float, within: float) -> None:
    for number, (chinese, english) in enumerate(words.steps):
        top = y + number * step
        dot = size * 1.35
        sheet.box(x, top - dot * 0.86, dot, dot, BAND, dot / 2)
        sheet.text(
            x + dot / 2, top - size * 0.19, size * 0.8, str(number + 1), colour=PAPER, anchor="middle", within=dot
        )
        sheet.text(x + dot * 1.5, top - size * 0.05, size, chinese, within=within)
        sheet.text(x + dot * 1.5, top + size * 0.66, size * 0.54, english, colour=QUIET, within=within)


def _svg(sheet: Sheet, unit: str, scale: float) -> bytes:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width * scale:g}{unit}" '
        f'height="{sheet.height * scale:g}{unit}" viewBox="0 0 {sheet.width:g} {sheet.height:g}" role="img" '
        f"aria-label={quoteattr(sheet.title)}><title>{escape(sheet.title)}</title>"
    ]
    for shape in sheet.shapes:
        if isinstance(shape, _Box):
            radius = f' rx="{shape.radius:.3g}"' if shape.radius else ' shape-rendering="crispEdges"'
            parts.append(
                f'<rect x="{shape.x:.4g}" y="{shape.y:.4g}" width="{shape.width:.4g}" height="{shape.height:.4g}"'
                f'{radius} fill="{shape.colour}"/>'
            )
        else:
            letters = {"moveTo": "M", "lineTo": "L", "curveTo": "C", "qCurveTo": "Q", "closePath": "Z", "endPath": ""}
            path = "".join(
                letters[act] + " ".join(f"{x:.2f} {y:.2f}" for x, y in points)
                for act, points in sheet.font.outline(shape)
            )
            parts.append(f'<path fill="{shape.colour}" d="{path}"/>')
    return "".join([*parts, "</svg>\n"]).encode()


def _pdf(sheet: Sheet) -> bytes:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    page: Any = Canvas(out, pagesize=(sheet.width * mm, sheet.height * mm), invariant=1)
    page.setTitle(sheet.title)
    page.setAuthor("taigan")
    for shape in sheet.shapes:
        page.setFillColor(HexColor(shape.colour))
        if isinstance(shape, _Box):
            bottom = (sheet.height - shape.y - shape.height) * mm
            box = (shape.x * mm, bottom, shape.width * mm, shape.height * mm)
            if shape.radius:
                page.roundRect(*box, shape.radius * mm, stroke=0, fill=1)
            else:
                page.rect(*box, stroke=0, fill=1)
        else:
            path = page.beginPath()
            acts = {"moveTo": path.moveTo, "lineTo": path.lineTo, "curveTo": path.curveTo}
            for act, points in sheet.font.outline(shape):
                if act in acts:
                    acts[act](*(place for x, y in points for place in (x * mm, (sheet.height - y) * mm)))
                else:
                    path.close()
            page.drawPath(path, stroke=0, fill=1, fillMode=1)
    page.save()
    return out.getvalue()


def _png(sheet: Sheet, scale: float) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (round(sheet.width * scale), round(sheet.height * scale)), PAPER)
    draw = ImageDraw.Draw(image)
    for shape in sheet.shapes:
        if isinstance(shape, _Box):
            left, top = round(shape.x * scale), round(shape.y * scale)
            right, bottom = round((shape.x + shape.width) * scale) - 1, round((shape.y + shape.height) * scale) - 1
            if shape.radius:
                draw.rounded_rectangle((left, top, right, bottom), shape.radius * scale, fill=shape.colour)
            else:
                draw.rectangle((left, top, right, bottom), fill=shape.colour)
        else:
            font = ImageFont.truetype(io.BytesIO(sheet.font.data), shape.size * scale)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            draw.text((shape.x * scale, shape.y * scale), shape.text, shape.colour, font, anchor=anchor)
    out = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", dpi=(round(scale * 25.4),) * 2)
    return out.getvalue()
