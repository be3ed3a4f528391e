"""A file that cannot be read, in words: full-width punctuation first, then what its reader says.

The words of TOML's reader are matched, not shown: line and column are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_LINES = 10

_HALF = {
    **dict.fromkeys("“”„‟＂〝〞", '"'),
    **dict.fromkeys("‘’＇", "'"),
    **dict.fromkeys("，、；﹐", ","),
    **dict.fromkeys("［【〔", "["),
    **dict.fromkeys("］】〕", "]"),
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "：": ":",
    "．": ".",
    "。": ".",
    "＃": "#",
    "－": "-",
    "　": " ",
    "＿": "_",
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
}
_COLON_FOR_EQUALS = re.compile(r"\s*[A-Za-z_]+\s*[：:]")
_OPENING = {"[": "]", "{": "}"}

Words = tuple[str, str]  # Chinese, English


def half_width(text: str) -> str:
    """The same with half-width digits and punctuation."""
    return "".join(_HALF.get(character, character) for character in text)


@dataclass(slots=True)
class _Scan:
    """A text outside its strings and remarks: full-width characters by line, and brackets that stay open."""

    slips: dict[int, list[tuple[int, str, str]]] = field(default_factory=dict)  # line: column, character, half-width
    open: list[tuple[str, int, int]] = field(default_factory=list)  # bracket, line, column


def explained(text: str, reason: str) -> list[Words]:
    """What is wrong with a text that could not be read, with line and column. `reason` is the reader's."""
    line, column = _place(text, reason)
    slips = _scanned(text).slips
    if slips:
        return [_full_width(number, text, found) for number, found in sorted(slips.items())[:MOST_LINES]]
    at_zh, at_en = (f"第 {line} 行第 {column} 列", f"line {line}, column {column}") if line else ("", "")
    zh, en = _bracket(text, line, column, reason) or _quotes(text, line, reason) or _said(reason)
    shown = _line(text, line)
    that_zh, that_en = (f"；这一行是 {shown}", f"; the line is {shown}") if shown else ("", "")
    return [
        (
            f"文件读不懂{at_zh and '，'}{at_zh}：{zh}{that_zh}",
            f"the file cannot be read{at_en and ', '}{at_en}: {en}{that_en}",
        )
    ]


def _place(text: str, reason: str) -> tuple[int, int]:
    """The line and column a reader names; of JSON's it is worked out of the byte."""
    named = re.search(r"at line (\d+), column (\d+)", reason)
    if named:
        return int(named[1]), int(named[2])
    byte = re.search(r"\(byte (\d+)\)", reason)
    if byte:
        before = text.encode()[: int(byte[1])].decode(errors="ignore")
        return before.count("\n") + 1, len(before) - before.rfind("\n")
    if "end of document" in reason or "truncated" in reason:
        return text.rstrip().count("\n") + 1, len(text.rstrip()) - text.rstrip().rfind("\n")
    return 0, 0


def _line(text: str, number: int) -> str:
    return text.split("\n")[number - 1].strip()[:80] if number else ""


def _scanned(text: str, until: tuple[int, int] | None = None) -> _Scan:
    """Up to a line and column, or all of it."""
    scan = _Scan()
    for number, line in enumerate(text.split("\n"), 1):
        if until and number > until[0]:
            break
        _scan_line(scan, number, line[: until[1] - 1] if until and number == until[0] else line)
    return scan


def _scan_line(scan: _Scan, number: int, line: str) -> None:
    column = 0
    while column < len(line):
        character = line[column]
        if character == "#":
            return
        if character in "\"'":
            end = _end_of_string(line, column)
            if end is None:  # it never ends: with a full-width quote, most likely
                for place in range(column + 1, len(line)):
                    if _HALF.get(line[place]) in ('"', "'"):
                        _slip(scan, number, place, line[place])
                return
            column = end
        elif character in _HALF:
            _slip(scan, number, column, character)
        elif character in _OPENING:
            scan.open.append((character, number, column + 1))
        elif scan.open and character == _OPENING[scan.open[-1][0]]:
            scan.open.pop()
        column += 1


def _slip(scan: _Scan, number: int, column: int, character: str) -> None:
    scan.slips.setdefault(number, []).append((column + 1, character, _HALF[character]))


def _end_of_string(line: str, begin: int) -> int | None:
    quote, place = line[begin], begin + 1
    while place < len(line):
        if line[place] == "\\" and quote == '"':
            place += 1
        elif line[place] == quote:
            return place
        place += 1
    return None


def _full_width(number: int, text: str, found: list[tuple[int, str, str]]) -> Words:
    changes = dict.fromkeys((character, half) for _, character, half in found)
    line = text.split("\n")[number - 1]
    equals = _COLON_FOR_EQUALS.match(line) is not None
    pairs = [
        (character, "=" if character == "：" and equals else half, "全角空格" if character == "　" else character)
        for character, half in changes
    ]
    zh = "，".join(f"{shown} 改成 {'半角空格' if half == ' ' else half}" for _, half, shown in pairs)
    en = ", ".join(
        f"{'the wide blank' if character == '　' else character} becomes {'a blank' if half == ' ' else half}"
        for character, half, _ in pairs
    )
    return (
        f"第 {number} 行第 {found[0][0]} 列：有中文（全角）标点，要用英文（半角）的：{zh}；"
        f"这一行是 {_line(text, number)}",
        f"line {number}, column {found[0][0]}: full-width punctuation, write it half-width: {en}; "
        f"the line is {_line(text, number)}",
    )


def _bracket(text: str, line: int, column: int, reason: str) -> Words | None:
    """A bracket that was not closed, or a comma that is missing, before the place where reading ended."""
    if text.lstrip().startswith("{") or not line:
        return None
    ended = "end of document" in reason
    still_open = _scanned(text, None if ended else (line, column)).open
    if not still_open:
        return None
    lines = text.split("\n")
    rest = "" if ended else lines[line - 1][column - 1 :].lstrip()
    bracket, opened_line, opened_column = still_open[-1]
    if bracket == "{":
        if not rest:
            closed = "Unclosed" in reason
            return (
                (
                    f"第 {opened_line} 行第 {opened_column} 列的 {{ 没有配对的 }}",
                    f"the {{ of line {opened_line}, column {opened_column} has no }}",
                )
                if closed
                else ("花括号 { } 里的内容要写在同一行", "what stands in { } is written on one line")
            )
        if rest.startswith("}") and "Invalid" in reason:
            return "} 前面多了一个逗号", "there is a comma too many before }"
        if rest.startswith("]"):
            return (
                f"第 {opened_line} 行第 {opened_column} 列的 {{ 没有配对的 }}",
                f"the {{ of line {opened_line}, column {opened_column} has no }}",
            )
        if "Unclosed" in reason:
            return "这里少了一个逗号：两项之间用 , 隔开", "a comma is missing here: two keys are parted by ,"
        return None
    if rest.startswith("{"):
        return (
            "前一个 } 后面少了逗号：两级之间用 , 隔开",
            "a comma is missing after the } before: steps are parted by ,",
        )
    earlier = [one for one in still_open if one[1] < line or ended]
    if earlier and (not rest or rest.startswith("[") or lines[line - 1].lstrip().startswith("[") or "=" in rest):
        _, opened_line, opened_column = earlier[0]
        return (
            f"第 {opened_line} 行第 {opened_column} 列的 [ 没有配对的 ]",
            f"the [ of line {opened_line}, column {opened_column} has no ]",
        )
    if "Unclosed" in reason:
        return "这里少了逗号或 ]", "a comma or a ] is missing here"
    return None


def _quotes(text: str, line: int, reason: str) -> Words | None:
    """A time of day or a word without its quotes."""
    written = re.match(r"\s*(\w+)\s*=\s*([^\s,#\"'\[{]+)", _line(text, line))
    if written is None or not ("Expected newline" in reason or "Invalid value" in reason):
        return None
    key, value = written[1], written[2]
    clock = re.fullmatch(r"\d{1,2}:\d\d", value)
    if clock:
        value = value.zfill(5)
        return f'时刻要加引号：{key} = "{value}"', f'a time of day is written in quotes: {key} = "{value}"'
    if re.fullmatch(r"[a-z_]+|24h", value):
        return f'文字要加引号：{key} = "{value}"', f'words are written in quotes: {key} = "{value}"'
    number = re.match(r"(\d+(?:\.\d+)?)\D", value)
    if number:
        return (
            f'{number[1]} 后面不能再写字；时长写分钟数，如 30，金额写成 "{number[1]}"',
            f'nothing may follow {number[1]}; a length is minutes, as 30, an amount is "{number[1]}"',
        )
    return None


def _said(reason: str) -> Words:
    return next(words for pattern, words in _REASONS if re.search(pattern, reason))


_REASONS: tuple[tuple[str, Words], ...] = (
    (r"Illegal character '\\[nr]|Unterminated|Expected \"'\"", ("引号没有配对", "a quote is not closed")),
    (
        r"Illegal character",
        ("有看不见的字符，请删掉重写这一行", "there is an invisible character; write the line anew"),
    ),
    (r"Expected '='", ("项的名称后面要有 =，如 free = 15", "a key is followed by =, as free = 15")),
    (
        r"Cannot overwrite|Duplicate inline",
        ("同一项在一处写了两次", "a key is written twice in one place"),
    ),
    (
        r"Cannot declare|Cannot mutate",
        (
            "同一组写了两次；几个费率或时段要用两层方括号：[[rates]]、[[rates.sections]]",
            "a table is written twice; rates and sections have two brackets: [[rates]], [[rates.sections]]",
        ),
    ),
    (
        r"Expected '\]",
        (
            "方括号没有配对：写作 [[rates]] 或 [[rates.sections]]",
            "brackets do not match: [[rates]], [[rates.sections]]",
        ),
    ),
    (r"Invalid date", ("没有这个日期或时间", "there is no such date or time")),
    (r"Unescaped|Invalid hex|escape", ("引号里不能写反斜杠 \\", "no backslash \\ in quotes")),
    (
        r"Invalid statement|Invalid initial character",
        (
            "这里应是一项，写作 名称 = 值，名称用英文，如 free = 15",
            "here should be a key and its value, as free = 15",
        ),
    ),
    (
        r"Invalid value|Expected newline|integer string conversion",
        (
            '= 后面的值写得不对：数字如 15，金额、时刻和文字加引号如 "2.50"、"08:00"，一项一行',
            'the value after = is wrong: numbers as 15; amounts, times and words in quotes, as "2.50", "08:00"; '
            "a line each",
        ),
    ),
    (r"truncated", ("没有写完，少了右括号或引号", "it ends too early: a bracket or quote is missing")),
    (r"too deeply|recursion", ("括号套得太深", "brackets are nested too deeply")),
    (r"JSON", ("JSON 写得不对，请检查逗号、引号和括号", "this is no JSON: look at commas, quotes and brackets")),
    (r"", ("写得不对，请对照例子", "it is not written as in the examples")),
)
