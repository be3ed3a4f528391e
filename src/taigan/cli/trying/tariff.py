"""`taigan tariff`: price lists tried out before they are put in force."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from taigan.cli.running import fail

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from taigan.lot.tariff.days import Calendar
    from taigan.lot.tariff.model import PriceList
    from taigan.lot.tariff.result import Price

tariff_commands = typer.Typer(
    no_args_is_help=True, help="Price lists: check one, price stays, draw it, print the board."
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A price list, TOML or JSON.")]
Vehicle = Annotated[str, typer.Option(help="A kind of vehicle, as the price list names it.")]
DaysFile = Annotated[Path | None, typer.Option("--days", metavar="FILE", help="Holidays and working days of the lot.")]
Zone = Annotated[str, typer.Option(help="The lot's time zone.")]
Language = Annotated[Literal["zh", "en"], typer.Option(help="Chinese or English.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; without: printed.")]


@tariff_commands.command()
def check(file: File, days: DaysFile = None) -> None:
    """Say what is wrong with a price list; or in words what it says."""
    from taigan.lot.tariff.pictures import words

    price_list = _price_list(file)
    _calendar(days)
    for number, rate in enumerate(price_list.rates, 1):
        alone = len(price_list.rates) == 1 and not rate.vehicles
        who = words.Said("各类车辆", "all vehicles") if alone else words.vehicles(rate)
        typer.echo(f"{number}. {who.zh} {who.en}")
        for section in rate.sections:
            when, cap = words.times(section), words.cap(section)
            typer.echo(f"   {when.zh}  {when.en}")
            for line in words.charges(rate, section):
                typer.echo(f"      {line.zh}  {line.en}")
            if cap.zh:
                typer.echo(f"      时段封顶{cap.zh}  at most {cap.en}")
        for rule in words.rules(price_list, rate):
            typer.echo(f"   - {rule.zh}  {rule.en}")
        for remark in words.remarks(rate):
            typer.echo(f"   ! {remark.zh}\n     {remark.en}", err=True)
    typer.echo(f"{file}: 可用，自 {price_list.valid_from} 起  usable, from {price_list.valid_from}")


@tariff_commands.command()
def price(
    file: File,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="ISO 8601: 2026-03-02T09:00, by the lot's clock.")],
    exit: Annotated[str, typer.Argument(metavar="EXIT", help="The same of the exit.")],
    vehicle: Vehicle = "",
    days: DaysFile = None,
    zone: Zone = "Asia/Shanghai",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, amounts in fen.")] = False,
) -> None:
    """What a stay costs, slice by slice."""
    from taigan.lot.tariff import evaluation

    price_list = _price_list(file)
    place = _zone(zone)
    came, left = _moment(entry, place), _moment(exit, place)
    with _said():
        evaluation.check_order(came, left, place)
        found = evaluation.price(price_list, came, left, vehicle, zone=place, calendar=_calendar(days))
    typer.echo(_json(found, place) if as_json else _table(price_list, found, place))


@tariff_commands.command()
def curve(
    file: File,
    entry: Annotated[str, typer.Option(help="When the stay begins: 09:00, or a date and time.")] = "09:00",
    hours: Annotated[int, typer.Option(min=1, max=168, help="Up to which length of stay.")] = 26,
    vehicle: Vehicle = "",
    days: DaysFile = None,
    zone: Zone = "Asia/Shanghai",
    language: Language = "zh",
    title: Annotated[str, typer.Option(help="What stands above it.")] = "",
    output: Output = None,
) -> None:
    """Draw the price over the length of stay: an SVG with free minutes, steps and caps."""
    from taigan.lot.tariff.pictures import curve as drawn

    price_list = _price_list(file)
    place = _zone(zone)
    if re.fullmatch(r"\d{1,2}:\d\d", entry):
        entry = f"{_a_working_monday(price_list, _calendar(days))}T{entry}"
    with _said():
        svg = drawn.curve(
            price_list,
            _moment(entry, place),
            hours,
            vehicle,
            language,
            zone=place,
            calendar=_calendar(days),
            title=title,
        )
    _write(svg, output)


@tariff_commands.command()
def board(
    file: File,
    lot: Annotated[str, typer.Option(help="The lot's name.")] = "",
    output: Output = None,
) -> None:
    """Make the public price board 公示牌: an HTML page to print on A4, Chinese and English."""
    from taigan.lot.tariff.pictures import board as printed

    _write(printed.board(_price_list(file), lot), output)


def _a_working_monday(price_list: PriceList, calendar: Calendar | None) -> date:
    """The first from the list's beginning on; any Monday of a year of which no holidays are known."""
    from taigan.lot.tariff.days import published
    from taigan.lot.tariff.errors import YearNotPublished
    from taigan.lot.tariff.model import DayKind

    first = price_list.valid_from + timedelta(days=-price_list.valid_from.weekday() % 7)
    mondays = [first + timedelta(weeks=weeks) for weeks in range(4)]
    try:
        return next(day for day in mondays if (calendar or published()).kind(day) is DayKind.WORKDAY)
    except (YearNotPublished, StopIteration):
        return first


def _price_list(file: Path) -> PriceList:
    from taigan.lot.tariff.reading import price_lists

    with _said(file):
        return price_lists.read(_bytes(file))


def _calendar(file: Path | None) -> Calendar | None:
    from taigan.lot.tariff.days import published
    from taigan.lot.tariff.reading import day_files

    if file is None:
        return None
    with _said(file):
        return published().with_days(day_files.read(_bytes(file)))


def _bytes(file: Path) -> bytes:
    from taigan.lot.tariff.reading.tree import LARGEST_FILE

    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        fail(
            f"{file}: 没有这个文件，请看名称和所在文件夹\n{file}: there is no such file; look at its name and folder", 2
        )
    except OSError as error:
        fail(f"{file}: 打不开 cannot be opened: {error.strerror or error}", 2)


@contextmanager
def _said(file: Path | None = None) -> Iterator[None]:
    """What is wrong in both languages, each problem on a line with the file."""
    from taigan.lot.tariff.errors import BadPriceList, TariffError

    try:
        yield
    except BadPriceList as error:
        lines = [line for problem in error.problems for line in (problem.said("zh"), problem.said("en"))]
        fail("\n".join(f"{file}: {line}" for line in lines), 2)
    except TariffError as error:
        fail(f"{error.zh}\n{error.en}", 2)


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        fail(f"{name!r} 不是时区，请写作 is not a time zone, write Asia/Shanghai", 2)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(re.sub(r"(?<=[T ])(?=\d:)", "0", text))
    except ValueError:
        fail(f"{text!r} 不是日期和时间，请写作 is not a date and time, write 2026-03-02T09:00", 2)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _json(found: Price, zone: ZoneInfo) -> str:
    import msgspec

    data = msgspec.to_builtins(found, builtin_types=(datetime,))
    for piece in (*data["slices"], *data["periods"]):
        for end in ("start", "end"):
            piece[end] = piece[end].astimezone(zone)
    return msgspec.json.encode(data).decode()


def _table(price_list: PriceList, found: Price, zone: ZoneInfo) -> str:
    from rich.console import Console
    from rich.table import Table

    from taigan.lot.tariff.money import short, yuan
    from taigan.lot.tariff.pictures import words

    rate = price_list.rates[found.rate]
    table = Table("从 from", "到 to", "时段 section", "计费 counted", "金额 yuan", box=None, pad_edge=False)
    table.columns[-1].justify = "right"
    for piece in found.slices:
        section = rate.sections[piece.section]
        counted = " + ".join(f"{c.units}×{short(section.steps[c.step].price)}" for c in piece.charges) or "—"
        if piece.capped and section.cap is not None:
            counted += f"，封顶 at most {short(section.cap)}"
        if piece.covered:
            counted += f"，{piece.covered // 60} 分钟不计 min not counted"
        begin, end = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" for moment in (piece.start, piece.end))
        table.add_row(begin, end, words.times(section).zh, counted, yuan(piece.fen))
    console = Console(width=140)
    with console.capture() as printed:
        if found.slices:
            console.print(table)
        for number, period in enumerate(found.periods, 1):
            if period.cap is not None and period.sum > period.cap:
                console.print(f"周期 {number} period {number}: {yuan(period.sum)} → 封顶 at most {yuan(period.cap)}")
        if found.percent != 100:
            console.print(f"× {found.percent}%")
        free = {"within": "免费时长以内 within the free minutes", "taken_off": "已扣除免费时长 free minutes taken off"}
        if found.free in free:
            console.print(free[found.free])
        console.print(f"应付 {yuan(found.fen)} 元")
    return printed.get().rstrip("\n")


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output}: 写不进去 cannot be written: {error.strerror or error}", 3)
