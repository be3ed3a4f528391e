"""A tree of plain data, read key by key; every problem is noted with its place, and reading goes on.

Bounded: what is too large is refused before it is looked at.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from taigan.lot.tariff import money
from taigan.lot.tariff.errors import BadPriceList, Problem
from taigan.lot.tariff.reading import slips

LARGEST_FILE = 64 * 1024
MOST_PROBLEMS = 20

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_WRITTEN = {"rates": "[[rates]]", "sections": "[[rates.sections]]", "steps": "steps = [{ … }]"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

C = TypeVar("C", bound=StrEnum)


@dataclass(slots=True)
class Problems:
    """What was found wrong so far."""

    found: list[Problem] = field(default_factory=list)
    homes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Where each key belongs, in both languages: told of one that stands elsewhere."""

    def raise_if_any(self) -> None:
        """Raises BadPriceList."""
        if self.found:
            raise BadPriceList(self.found)


@dataclass(slots=True)
class Place:
    """Where in the tree: as data, and in words of both languages."""

    data: str = ""
    zh: str = ""
    en: str = ""

    def key(self, name: str, zh: str = "") -> Place:
        words_zh = f"{zh}（{name}）" if zh else name
        return Place(_joined(self.data, name, "."), _joined(self.zh, words_zh, " › "), _joined(self.en, name, " › "))

    def item(self, name: str, number: int, zh: str, en: str) -> Place:
        """One of a list, counted from 1 in words."""
        return Place(
            _joined(self.data, f"{name}[{number}]", "."),
            _joined(self.zh, f"第 {number + 1} 个{zh}", " › "),
            _joined(self.en, f"{en} {number + 1}", " › "),
        )


def _joined(before: str, name: str, by: str) -> str:
    return f"{before}{by}{name}" if before else name


class _Written(float):
    """A number with a point or an exponent: refused everywhere, and shown as it was written."""

    def __new__(cls, text: str) -> _Written:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __str__(self) -> str:
        return self.text


_JSON = msgspec.json.Decoder(float_hook=_Written)


def parsed(text: bytes) -> Any:
    """TOML, or JSON if it begins with a brace. Raises BadPriceList with the line where it cannot be read."""
    if len(text) > LARGEST_FILE:
        raise _unreadable(f"文件过大：最多 {LARGEST_FILE} 字节", f"the file is too large: at most {LARGEST_FILE} bytes")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(
            f"文件不是 UTF-8 编码（第 {error.start + 1} 字节），请另存为 UTF-8",
            f"the file is not UTF-8 (byte {error.start + 1}); save it as UTF-8",
        ) from None
    try:
        if decoded.lstrip().startswith("{"):
            return _JSON.decode(decoded)
        return tomllib.loads(decoded, parse_float=_Written)
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        found = slips.explained(decoded, str(error) or "nested too deeply")
        raise BadPriceList([Problem("", "", "", zh, en) for zh, en in found]) from None


def _unreadable(zh: str, en: str) -> BadPriceList:
    return BadPriceList([Problem("", "", "", zh, en)])


class Table:
    """One table of the tree. Each method reads one key; a key that no method knows is refused by `close`."""

    def __init__(self, data: Mapping[str, Any], place: Place, names: Mapping[str, str], problems: Problems) -> None:
        self._data = data
        self._names = names
        self.place = place
        self._problems = problems
        for key in data:
            if key not in names:
                self._unknown(key)

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def wrong(self, key: str, zh: str, en: str) -> None:
        """Note a problem of a key, or with "" of the table."""
        self._note(self.place.key(key, self._names[key]) if key else self.place, zh, en)

    def _note(self, place: Place, zh: str, en: str) -> None:
        if len(self._problems.found) >= MOST_PROBLEMS:
            self._problems.raise_if_any()
        self._problems.found.append(Problem(place.data, place.zh, place.en, zh, en))

    def _unknown(self, key: str) -> None:
        shown = key[:40]
        if home := self._problems.homes.get(key):
            self._note(self.place.key(shown), f"不写在这里，{home[0]}", f"does not belong here: {home[1]}")
            return
        near = get_close_matches(shown, self._names, n=1) or [
            name for name, zh in self._names.items() if zh and zh == shown
        ]
        if near:
            self._note(
                self.place.key(shown), f"没有这一项，是否应为 {near[0]}？", f"there is no such key; is {near[0]} meant?"
            )
        else:
            known = ", ".join(self._names)
            self._note(
                self.place.key(shown), f"没有这一项，可以写：{known}", f"there is no such key; there are: {known}"
            )

    def _is_whole(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def whole(self, key: str, least: int, most: int, missing: int | None = None) -> int | None:
        """A whole number in these bounds."""
        if key not in self._data:
            return missing
        value = self._data[key]
        if self._is_whole(value) and least <= value <= most:
            return int(value)
        self.wrong(
            key,
            f"应为 {least} 到 {most} 的整数，不加引号，现为 {_shown(value)}",
            f"must be a whole number from {least} to {most} without quotes, not {_shown(value)}",
        )
        return missing

    def money(self, key: str) -> int | None:
        """An amount in yuan as text, in fen."""
        return self._fen(key, self._data[key]) if key in self._data else None

    def _fen(self, key: str, value: object) -> int:
        if isinstance(value, str):
            try:
                return money.fen(value)
            except ValueError:
                self.wrong(
                    key,
                    f'金额应为 0 到 1000000 元、最多两位小数，如 "2.50"，现为 {_shown(value)}{_wide(value)[0]}',
                    f'must be yuan from 0 to 1000000 with at most two decimals, as "2.50", not {_shown(value)}'
                    f"{_wide(value)[1]}",
                )
        elif self._is_whole(value) or isinstance(value, float):
            self.wrong(
                key,
                f'金额要加引号，如 "2.50"，现为 {_shown(value)}',
                f'amounts are written in quotes, as "2.50", not {_shown(value)}',
            )
        else:
            self.wrong(
                key,
                f'金额应为加引号的文字，如 "2.50"，现为 {_shown(value)}',
                f'must be text as "2.50", not {_shown(value)}',
            )
        return 0

    def flag(self, key: str) -> bool:
        """true or false; false if left out."""
        value = self._data.get(key, False)
        if isinstance(value, bool):
            return value
        self.wrong(key, f"应为 true 或 false，现为 {_shown(value)}", f"must be true or false, not {_shown(value)}")
        return False

    def clock(self, key: str, *, midnight_again: bool = False) -> int:
        """A time of day "HH:MM" in minutes after midnight; 0 if left out. "24:00" is 0 where an end is meant."""
        value = self._data.get(key, "00:00")
        if isinstance(value, str):
            if midnight_again and value == "24:00":
                return 0
            match = _CLOCK.fullmatch(value)
            if match:
                return int(match[1]) * 60 + int(match[2])
        self.wrong(
            key,
            f'时刻应写作 "08:00"（24小时制，加引号），现为 {_shown(value)}{_wide(value)[0]}',
            f'must be a time of day as "08:00" in quotes, not {_shown(value)}{_wide(value)[1]}',
        )
        return 0

    def choice(self, key: str, choices: type[C]) -> C:
        """One of these words; the first if left out."""
        words = [choice.value for choice in choices]
        value = self._data.get(key, words[0])
        if isinstance(value, str) and value in words:
            return choices(value)
        listed = "、".join(f'"{word}"' for word in words)
        self.wrong(
            key, f"应为 {listed} 之一，现为 {_shown(value)}", f"must be one of {', '.join(words)}, not {_shown(value)}"
        )
        return choices(words[0])

    def day(self, key: str) -> date | None:
        """A date."""
        if key not in self._data:
            self.wrong(key, "必须写，如 2026-01-01", "is missing; write a date as 2026-01-01")
            return None
        return self._date(key, self._data[key])

    def _date(self, key: str, value: object) -> date | None:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        self.wrong(
            key, f"应为日期，如 2026-01-01，现为 {_shown(value)}", f"must be a date as 2026-01-01, not {_shown(value)}"
        )
        return None

    def many(self, key: str, most: int) -> list[Any]:
        """The items of a list; none if left out. A list that is written has at least one."""
        if key not in self._data:
            return []
        value = self._data[key]
        if isinstance(value, dict) and key in _WRITTEN:
            self.wrong(key, f"要写作 {_WRITTEN[key]}", f"is written {_WRITTEN[key]}")
            return []
        if not isinstance(value, list):
            self.wrong(key, f"应为列表 […]，现为 {_shown(value)}", f"must be a list […], not {_shown(value)}")
            return []
        if not value:
            self.wrong(key, "列表为空；没有就不写这一项", "is an empty list; leave the key out if there are none")
        if len(value) > most:
            self.wrong(key, f"最多 {most} 个，现有 {len(value)} 个", f"has {len(value)} items, at most {most}")
            return []
        return value

    def words(self, key: str, most: int, known: Collection[str] = ()) -> tuple[str, ...]:
        """A list of short texts, each once; of `known` ones, if given."""
        found: list[str] = []
        for value in self.many(key, most):
            if not isinstance(value, str) or not value.strip() or len(value) > 32 or not value.isprintable():
                self.wrong(
                    key,
                    f"应为 1 到 32 字的文字，现为 {_shown(value)}",
                    f"must be texts of 1 to 32 characters, not {_shown(value)}",
                )
            elif known and value not in known:
                near = get_close_matches(value, known, n=1)
                hint = f"，是否应为 {near[0]}？" if near else f"，可以写：{'、'.join(known)}"
                hint_en = f"; is {near[0]} meant?" if near else f"; there are: {', '.join(known)}"
                self.wrong(key, f"没有 {_shown(value)}{hint}", f"there is no {_shown(value)}{hint_en}")
            elif value in found:
                self.wrong(key, f"{_shown(value)} 写了两次", f"{_shown(value)} is there twice")
            else:
                found.append(value)
        return tuple(found)

    def amounts(self, key: str, most: int) -> tuple[int, ...]:
        """A list of amounts, in fen."""
        return tuple(self._fen(key, value) for value in self.many(key, most))

    def dates(self, key: str, most: int) -> tuple[date, ...]:
        """A list of dates."""
        return tuple(day for value in self.many(key, most) if (day := self._date(key, value)))

    def numbers(self, key: str, least: int, most: int, limit: int) -> tuple[int, ...]:
        """A list of whole numbers in these bounds."""
        found: list[int] = []
        for value in self.many(key, limit):
            if self._is_whole(value) and least <= value <= most:
                found.append(value)
            else:
                self.wrong(
                    key,
                    f"应为 {least} 到 {most} 的整数，现为 {_shown(value)}",
                    f"must be whole numbers from {least} to {most}, not {_shown(value)}",
                )
        return tuple(found)

    def tables(self, key: str, most: int, names: Mapping[str, str], zh: str, en: str) -> list[Table]:
        """The tables of a list."""
        found = []
        for number, value in enumerate(self.many(key, most)):
            place = self.place.item(key, number, zh, en)
            if isinstance(value, dict):
                found.append(Table(value, place, names, self._problems))
            else:
                self._note(
                    place, f"应为一组项目，现为 {_shown(value)}", f"must be a table of keys, not {_shown(value)}"
                )
        return found


def root(data: object, names: Mapping[str, str], problems: Problems) -> Table:
    """The whole tree as a table. Raises BadPriceList if it is none."""
    if not isinstance(data, dict):
        raise _unreadable("内容应为一组项目（键 = 值）", "the content must be a table of keys")
    return Table(data, Place(), names, problems)


def _wide(value: object) -> tuple[str, str]:
    """A hint at full-width characters, in both languages; empty if there are none."""
    if not isinstance(value, str) or slips.half_width(value) == value:
        return "", ""
    half = _shown(slips.half_width(value))
    return f"：有全角字符，改成 {half}", f": it has full-width characters, write {half}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = "".join(character if character.isprintable() else "�" for character in value[:40])
        return f'"{text}…"' if len(value) > 40 else f'"{text}"'
    if isinstance(value, list):
        return "[…]"
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, int) and abs(value) >= 10**18:
        return "≥ 10^18" if value > 0 else "≤ -10^18"
    return "null" if value is None else str(value)[:40]
