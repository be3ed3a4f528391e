"""Price lists as operators write them: what they may leave out, and what they are told when something is wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from support.cost import costs_less_than
from support.lot.tariffs import DOCUMENTS, rule
from taigan.lot.tariff import money
from taigan.lot.tariff.days import Days, published
from taigan.lot.tariff.errors import BadPriceList, Problem
from taigan.lot.tariff.model import (
    AfterFree,
    AtBorder,
    DayKind,
    FirstSteps,
    FreeClock,
    FreeLimit,
    Period,
    PriceList,
    Rate,
    Section,
    Step,
)
from taigan.lot.tariff.reading import day_files, price_lists
from taigan.lot.tariff.reading.tree import LARGEST_FILE, MOST_PROBLEMS

FULL = """
valid_from = 2026-01-01
round_to = "0.50"

[[rates]]
vehicles = ["small", "new_energy"]
percent = 50
free = 30
free_limit = "under"
after_free = "from_end"
free_clock = "charged"
period = "day"
day_starts = "06:00"
period_caps = ["65", "70.5"]
first_steps = "once"
at_border = "finish"

[[rates.sections]]
days = ["workday", "weekend"]
from = "08:00"
until = "24:00"
cap = "30"
steps = [ { up_to = 180, per = 30, price = "2.50" },
          { per = 30, price = "5", ignore = 15 } ]

[[rates.sections]]
days = ["holiday"]
from = "08:00"
until = "00:00"
free = true

[[rates.sections]]
from = "00:00"
until = "08:00"
steps = [{ price = "0" }]
"""
SMALL: dict[str, Any] = {"valid_from": "2026-01-01", "rates": [{"sections": [{"steps": [{"per": 30, "price": "1"}]}]}]}


def refused(data: object) -> tuple[Problem, ...]:
    with pytest.raises(BadPriceList) as error:
        price_lists.read(data) if isinstance(data, bytes) else price_lists.from_data(data)
    return error.value.problems


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = copy.deepcopy(SMALL)
    change(data)
    return data


def rate(**more: Any) -> dict[str, Any]:
    return changed(lambda data: data["rates"][0].update(more))


def section(**more: Any) -> dict[str, Any]:
    return changed(lambda data: data["rates"][0]["sections"][0].update(more))


def steps(*found: dict[str, Any]) -> dict[str, Any]:
    return section(steps=list(found))


def test_everything_that_can_be_written_is_read() -> None:
    assert price_lists.read(FULL.encode()) == PriceList(
        valid_from=date(2026, 1, 1),
        round_to=50,
        rates=(
            Rate(
                vehicles=("small", "new_energy"),
                percent=50,
                free=30,
                free_limit=FreeLimit.UNDER,
                after_free=AfterFree.FROM_END,
                free_clock=FreeClock.CHARGED,
                period=Period.DAY,
                day_starts=360,
                period_caps=(6500, 7050),
                first_steps=FirstSteps.ONCE,
                at_border=AtBorder.FINISH,
                sections=(
                    Section(
                        days=("workday", "weekend"),
                        start=480,
                        until=0,
                        cap=3000,
                        steps=(Step(up_to=180, per=30, price=250), Step(per=30, price=500, ignore=15)),
                    ),
                    Section(days=("holiday",), start=480, until=0, free=True),
                    Section(start=0, until=480, steps=(Step(price=0),)),
                ),
            ),
        ),
    )


def test_what_is_left_out_is_as_most_lots_do() -> None:
    [read] = price_lists.from_data(SMALL).rates
    assert (read.free_limit, read.after_free, read.free_clock) == ("up_to", "from_entry", "stay")
    assert (read.period, read.first_steps, read.at_border) == ("24h", "each", "cut")
    assert (read.free, read.percent, read.vehicles, read.period_caps) == (0, 100, (), ())
    assert price_lists.from_data(SMALL).round_to == 1


def test_a_full_list_becomes_data_and_the_same_list_again() -> None:
    read = price_lists.read(FULL.encode())
    written = json.dumps(price_lists.to_data(read)).encode()
    assert price_lists.read(written) == read
    assert price_lists.to_data(price_lists.from_data(SMALL)) == {
        "valid_from": "2026-01-01",
        "rates": [{"sections": [{"steps": [{"per": 30, "price": "1.00"}]}]}],
    }


# Each: the data, the field that is named, and what is said of it in English and in Chinese.
WRONG: list[tuple[object, str, str, str]] = [
    ([], "", "must be a table", "内容应为"),
    ({"rates": SMALL["rates"]}, "valid_from", "is missing", "必须写"),
    (SMALL | {"valid_from": "1.1.2026"}, "valid_from", "must be a date as 2026-01-01", "应为日期"),
    (SMALL | {"valid_from": "2026-02-30"}, "valid_from", "must be a date", "应为日期"),
    (SMALL | {"round_to": "0"}, "round_to", "more than 0", "大于 0"),
    ({"valid_from": "2026-01-01"}, "rates", "at least one [[rates]]", "至少写一个"),
    (SMALL | {"rates": []}, "rates", "empty list", "列表为空"),
    (SMALL | {"rates": {}}, "rates", "is written [[rates]]", "要写作 [[rates]]"),
    (SMALL | {"rates": [1]}, "rates[0]", "must be a table", "应为一组项目"),
    (SMALL | {"rates": SMALL["rates"] * 21}, "rates", "at most 20", "最多 20 个"),
    (SMALL | {"rates": SMALL["rates"] * 2}, "rates[1].vehicles", "only one rate", "只能有一个费率"),
    (SMALL | {"valid_form": 1}, "valid_form", "is valid_from meant?", "是否应为 valid_from"),
    (SMALL | {"colour": 1}, "colour", "there are: valid_from, round_to, rates", "可以写"),
    (rate(at_boarder="cut"), "rates[0].at_boarder", "is at_border meant?", "是否应为 at_border"),
    (rate(封顶="1"), "rates[0].封顶", "there are:", "可以写"),
    (rate(免费时长=15), "rates[0].免费时长", "is free meant?", "是否应为 free"),
    (rate(free="15"), "rates[0].free", "a whole number from 0 to 527040 without quotes", "整数，不加引号"),
    (rate(free=15.0), "rates[0].free", "not 15.0", "现为 15.0"),
    (rate(free=True), "rates[0].free", "not true", "现为 true"),
    (rate(free=-1), "rates[0].free", "not -1", "现为 -1"),
    (rate(free=10**18), "rates[0].free", "not ≥ 10^18", "现为 ≥ 10^18"),
    (rate(free=-(10**400)), "rates[0].free", "not ≤ -10^18", "现为 ≤ -10^18"),
    (rate(free=10**18 - 1), "rates[0].free", "not 999999999999999999", "现为 999999999999999999"),
    (rate(percent=1001), "rates[0].percent", "from 0 to 1000", "0 到 1000"),
    (rate(free_limit="under"), "rates[0].free_limit", "without free minutes", "没有免费时长"),
    (rate(free=15, free_limit="over"), "rates[0].free_limit", "one of up_to, under", '"up_to"、"under"'),
    (rate(period="12h"), "rates[0].period", "one of 24h, day, stay", "之一"),
    (rate(period=["day"]), "rates[0].period", "not […]", "现为 […]"),
    (rate(day_starts="06:00"), "rates[0].day_starts", 'only for period = "day"', "只在"),
    (rate(period="day", day_starts="24:00"), "rates[0].day_starts", 'as "08:00"', "24小时制"),
    (rate(period="day", day_starts="6:0"), "rates[0].day_starts", 'not "6:0"', '现为 "6:0"'),
    (rate(period_caps=[]), "rates[0].period_caps", "empty list", "列表为空"),
    (rate(period_caps="65"), "rates[0].period_caps", 'not "65"', '现为 "65"'),
    (rate(period_caps=[65]), "rates[0].period_caps", "in quotes", "加引号"),
    (rate(period="stay", period_caps=["1", "2"]), "rates[0].period_caps", "one cap only", "只有一个封顶"),
    (rate(vehicles=[]), "rates[0].vehicles", "empty list", "列表为空"),
    (rate(vehicles=["a", "a"]), "rates[0].vehicles", "twice", "两次"),
    (rate(vehicles=[" "]), "rates[0].vehicles", "1 to 32 characters", "1 到 32 字"),
    (rate(vehicles=["a\nb"]), "rates[0].vehicles", 'not "a�b"', "1 到 32 字"),
    (rate(vehicles=["x" * 33]), "rates[0].vehicles", "1 to 32 characters", "1 到 32 字"),
    (rate(vehicles=["x" * 40]), "rates[0].vehicles", f'not "{"x" * 40}"', f'现为 "{"x" * 40}"'),
    (rate(vehicles=["x" * 41]), "rates[0].vehicles", f'not "{"x" * 40}…"', f'现为 "{"x" * 40}…"'),
    (rate(vehicles=[str(n) for n in range(51)]), "rates[0].vehicles", "has 51 items, at most 50", "最多 50 个"),
    (rate(sections=[]), "rates[0].sections", "empty list", "列表为空"),
    (changed(lambda d: d["rates"][0].pop("sections")), "rates[0].sections", "at least one", "至少写一个"),
    (rate(sections=[{"free": True}] * 100_000), "rates[0].sections", "100000 items, at most 48", "最多 48 个"),
    (section(**{"from": "08:00"}), "rates[0].sections[0].until", "is missing beside from", "就要写 until"),
    (section(until="08:00"), "rates[0].sections[0].from", "is missing beside until", "就要写 from"),
    (section(days=["workdays"]), "rates[0].sections[0].days", "is workday meant?", "是否应为 workday"),
    (section(days=["1"]), "rates[0].sections[0].days", "there are: workday", "可以写：workday"),
    (section(days=["mon", "mon"]), "rates[0].sections[0].days", "twice", "两次"),
    (section(days=[]), "rates[0].sections[0].days", "empty list", "列表为空"),
    (section(cap="2.505"), "rates[0].sections[0].cap", "at most two decimals", "最多两位小数"),
    (section(cap="-1"), "rates[0].sections[0].cap", "from 0 to 1000000", "0 到 1000000"),
    (section(cap="1000000.01"), "rates[0].sections[0].cap", "from 0 to 1000000", "0 到 1000000"),
    (section(cap="1e3"), "rates[0].sections[0].cap", 'not "1e3"', '现为 "1e3"'),
    (section(cap="٣"), "rates[0].sections[0].cap", "must be yuan", "金额应为"),
    (section(cap=2.5), "rates[0].sections[0].cap", "in quotes", "加引号"),
    (section(cap=None), "rates[0].sections[0].cap", "not null", "现为 null"),
    (section(cap={}), "rates[0].sections[0].cap", "not {…}", "现为 {…}"),
    (section(free=1), "rates[0].sections[0].free", "true or false", "true 或 false"),
    (section(free=True), "rates[0].sections[0].steps", "does not go with", "不写此项"),
    (rate(sections=[{"free": True, "cap": "1"}]), "rates[0].sections[0].cap", "does not go with", "不写此项"),
    (rate(sections=[{}]), "rates[0].sections[0].steps", "says free = true", "写 free = true"),
    (steps(), "rates[0].sections[0].steps", "empty list", "列表为空"),
    (steps({"per": 30}), "rates[0].sections[0].steps[0].price", '"0" costs nothing', "必须写"),
    (steps({"per": 0, "price": "1"}), "rates[0].sections[0].steps[0].per", "from 1 to", "1 到"),
    (
        steps({"up_to": 60, "price": "1"}),
        "rates[0].sections[0].steps[0].up_to",
        "not for the last step",
        "最后一级不写",
    ),
    (
        steps({"price": "1"}, {"price": "1"}),
        "rates[0].sections[0].steps[0].up_to",
        "only the last step",
        "除最后一级外",
    ),
    (
        steps({"up_to": 60, "price": "1"}, {"up_to": 60, "price": "1"}, {"price": "1"}),
        "rates[0].sections[0].steps[1].up_to",
        "more than the 60 minutes of the step before, not 60",
        "大于前一级的 60 分钟",
    ),
    (
        steps({"up_to": 60, "price": "1"}, {"up_to": 30, "price": "1"}, {"price": "1"}),
        "rates[0].sections[0].steps[1].up_to",
        "more than the 60 minutes of the step before, not 30",
        "大于前一级的 60 分钟，现为 30",
    ),
    (
        steps({"up_to": 60, "price": "1"}, {"up_to": 100, "per": 30, "price": "1"}, {"price": "1"}),
        "rates[0].sections[0].steps[1].per",
        "from 60 to 100 are 40 minutes, not a multiple of 30",
        "不是每 30 分钟的整数倍",
    ),
    (steps({"price": "1", "ignore": 5}), "rates[0].sections[0].steps[0].ignore", "only beside per", "只与 per"),
    (
        steps({"per": 30, "price": "1", "ignore": 31}),
        "rates[0].sections[0].steps[0].ignore",
        "not be more than per, 30",
        "不能大于每 30 分钟",
    ),
]


@pytest.mark.parametrize(("data", "field", "en", "zh"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_of_its_field_in_both_languages(data: object, field: str, en: str, zh: str) -> None:
    [problem] = refused(data)
    assert problem.field == field
    assert en in problem.en
    assert zh in problem.zh


def test_a_place_is_said_in_words_counted_from_one() -> None:
    [problem] = refused(steps({"up_to": 60, "price": "1"}, {"price": "x"}))
    assert problem.said("zh").startswith("第 1 个费率 › 第 1 个时段 › 第 2 个阶梯 › 价格（price）：金额应为")
    assert problem.said("en").startswith("rate 1 › section 1 › step 2 › price: must be yuan")


def test_every_problem_is_told_at_once_up_to_twenty() -> None:
    found = refused(rate(free=-1, percent=-1, period="x"))
    assert {problem.field for problem in found} == {"rates[0].free", "rates[0].percent", "rates[0].period"}
    assert len(refused(rate(**{f"key{n}": 1 for n in range(100)}))) == MOST_PROBLEMS


TILES = [
    ([("08:00", "20:00")], "20:00–24:00", None),
    ([("08:00", "20:00"), ("20:00", "07:59")], "07:59–08:00", None),
    ([("08:00", "20:00"), ("20:01", "08:00")], "20:00–20:01", None),
    ([("08:00", "20:00"), ("19:00", "08:00")], None, ("19:00–20:00", 1, 2)),
    ([("08:00", "20:00"), ("20:00", "09:00")], None, ("08:00–09:00", 2, 1)),
    ([("08:00", "12:00"), ("12:00", "08:00"), ("13:00", "14:00")], None, ("13:00–14:00", 2, 3)),
    ([("00:00", "00:00"), ("00:00", "00:00")], None, ("00:00–24:00", 1, 2)),
    ([("08:00", "20:00"), ("10:00", "20:00"), ("19:00", "08:00")], None, ("19:00–20:00", 1, 3)),
]


@pytest.mark.parametrize(("times", "gap", "overlap"), TILES)
def test_a_gap_and_an_overlap_are_told_with_their_times(
    times: list[tuple[str, str]], gap: str | None, overlap: tuple[str, int, int] | None
) -> None:
    sections = [{"from": begin, "until": until, "steps": [{"price": "1"}]} for begin, until in times]
    found = refused(rate(sections=sections))
    said = [problem.en for problem in found]
    assert any("is in no section" in text for text in said) == (gap is not None)
    if gap:
        assert any(gap in text and "is in no section" in text and "free = true" in text for text in said)
        assert any(gap in problem.zh and "没有任何时段" in problem.zh for problem in found)
    if overlap:
        span, first, second = overlap
        assert any(
            text.startswith(span) and f"belongs to both section {first} and section {second}" in text for text in said
        )
        assert any(f"{span} 同时属于第 {first} 和第 {second} 个时段" in problem.zh for problem in found)
    assert {problem.field for problem in found} == {"rates[0].sections"}


@pytest.mark.parametrize(("written", "left_out"), [("sat", "sun"), ("sun", "sat")])
def test_saturday_and_sunday_are_the_weekend(written: str, left_out: str) -> None:
    ordinary, weekend = {"days": ["workday", "holiday"]}, {"days": [written]}
    found = refused(rate(sections=[{"steps": [{"price": "1"}], **days} for days in (ordinary, weekend)]))
    assert any(f"on a {left_out} (weekend" in problem.en and "is in no section" in problem.en for problem in found)


def test_the_change_from_one_kind_of_day_to_the_next_is_checked_too() -> None:
    def by_day(*more: dict[str, Any]) -> dict[str, Any]:
        return rate(sections=[{"steps": [{"price": "1"}], **section} for section in more])

    night = [
        {"days": ["workday"], "from": "08:00", "until": "20:00"},
        {"days": ["workday"], "from": "20:00", "until": "08:00"},
        {"days": ["weekend", "holiday"]},
    ]
    found = refused(by_day(*night))
    assert {problem.en.partition("; ")[0] for problem in found} == {
        "00:00–08:00 on a tue (holiday, after a workday) belongs to both section 2 and section 3",
        "00:00–08:00 on a tue (workday, after a holiday) is in no section",
    }
    assert any("周二（工作日，前一天为节假日）00:00–08:00 没有任何时段" in problem.zh for problem in found)
    [only_workdays] = refused(by_day({"days": ["workday"]}))
    assert "is in no section" in only_workdays.en
    [twice] = refused(by_day({"days": ["mon"]}, {}))
    assert "00:00–24:00 on a mon" in twice.en
    price_lists.from_data(by_day({"days": ["workday"]}, {"days": ["weekend", "holiday"]}))
    price_lists.from_data(by_day({"days": ["mon", "tue", "wed", "thu", "fri"]}, {"days": ["sat", "sun"]}))


@pytest.mark.parametrize(
    ("text", "en"),
    [
        (b"valid_from = x", "line 1"),
        (b'{"valid_from": ', "line 1, column 15: it ends too early"),
        (b"valid_from = 2026-13-01", "the line is valid_from = 2026-13-01"),
        (b"\xff\xfe", "not UTF-8 (byte 1)"),
        (b"a = " + b"[" * 30_000, "cannot be read"),
        (b"{" + b'"a":{' * 10_000, "cannot be read"),
        (b"a = " + b"9" * 5_000, "cannot be read"),
        (b"# " + b"x" * LARGEST_FILE, f"at most {LARGEST_FILE}"),
        (b"", "valid_from"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused_with_the_reason(text: bytes, en: str) -> None:
    with pytest.raises(BadPriceList) as error:
        price_lists.read(text)
    assert en in error.value.en
    assert error.value.zh


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (
            b"free 15",
            "the file cannot be read, line 1, column 6: a key is followed by =, as free = 15; the line is free 15",
        ),
        (
            b"a = " + b"9" * 5_000,
            "the file cannot be read: the value after = is wrong: numbers as 15; amounts, times and words in quotes, "
            'as "2.50", "08:00"; a line each',
        ),
        (b"a = " + b"[" * 30_000, "the file cannot be read: brackets are nested too deeply"),
    ],
    ids=("line", "digits", "brackets"),
)
def test_the_place_is_told_where_the_reader_knows_one(text: bytes, whole: str) -> None:
    [problem] = refused(text)
    assert problem.en == whole
    assert problem.zh.startswith("文件读不懂，第 1 行第 6 列：" if "column" in whole else "文件读不懂：")


def test_the_largest_file_is_read_and_one_byte_more_is_not() -> None:
    padded = FULL.encode() + b"#" * (LARGEST_FILE - len(FULL.encode()))
    assert price_lists.read(padded) == price_lists.read(FULL.encode())
    assert f"at most {LARGEST_FILE} bytes" in refused(padded + b"#")[0].en


def test_what_stands_at_a_bound_is_taken() -> None:
    for key, bounds in (("percent", (0, 1000)), ("free", (0, 527_040))):
        assert [getattr(price_lists.from_data(rate(**{key: n})).rates[0], key) for n in bounds] == [*bounds]
    longest = price_lists.from_data(steps({"per": 527_040, "ignore": 527_040, "price": "1"}))
    assert longest.rates[0].sections[0].steps == (Step(per=527_040, ignore=527_040, price=100),)
    assert price_lists.from_data(steps({"per": 1, "ignore": 1, "price": "1"})).rates[0].sections[0].steps[0].per == 1
    many = [f"{n:032}" for n in range(50)]
    assert price_lists.from_data(rate(vehicles=many)).rates[0].vehicles == tuple(many)
    assert len(price_lists.from_data(rate(period_caps=["1"] * 31)).rates[0].period_caps) == 31
    assert day_files.read(b"years = [1971, 8999]").years == (1971, 8999)


SLIPS = [
    ("cap = “10”", "第 3 行第 7 列", '“ 改成 "，” 改成 "', '“ becomes "'),
    ('cap = "10”', "第 3 行第 10 列", '” 改成 "', '” becomes "'),
    ('steps = [{ per = 30， price = "2" }]', "第 3 行第 20 列", "， 改成 ,", "， becomes ,"),
    ("［［rates.sections］］", "第 3 行第 1 列", "［ 改成 [，］ 改成 ]", "［ becomes ["),
    ("free：15", "第 3 行第 5 列", "： 改成 =", "： becomes ="),
    ("free：［15］", "第 3 行第 5 列", "： 改成 =，［ 改成 [，］ 改成 ]", "： becomes =, ［ becomes [, ］ becomes ]"),
    ("free：１５", "第 3 行第 5 列", "： 改成 =，１ 改成 1，５ 改成 5；", "： becomes =, １ becomes 1, ５ becomes 5;"),
    ('vehicles = ["a b，c"，"d"]', "第 3 行第 20 列", "， 改成 ,；", "， becomes ,;"),
    ("from = 22：00", "第 3 行第 10 列", "： 改成 :；", "： becomes :;"),
    ("free: ２；", "第 3 行第 7 列", "２ 改成 2，； 改成 ,；", "２ becomes 2, ； becomes ,;"),
    ('vehicles = ["大，车", "a"，"b"]', "第 3 行第 23 列", "， 改成 ,", "， becomes ,"),
    ('vehicles = ["a\\"，b"，"c"]', "第 3 行第 20 列", "， 改成 ,", "， becomes ,"),
    ("vehicles = ['a\\'，'\"，']", "第 3 行第 17 列", "， 改成 ,", "， becomes ,"),
    ('caps = [true, "65"\nfree = 15', "第 4 行第 1 列", "第 3 行第 8 列的 [ 没有", "the [ of line 3, column 8"),
    ("free = １５", "第 3 行第 8 列", "１ 改成 1，５ 改成 5", "１ becomes 1"),
    ("free =　15", "第 3 行第 7 列", "全角空格 改成 半角空格", "the wide blank becomes a blank"),
    ("from = 22:00", "第 3 行第 10 列", 'from = "22:00"', 'in quotes: from = "22:00"'),
    ("from = 8:00", "第 3 行第 9 列", 'from = "08:00"', 'in quotes: from = "08:00"'),
    ("period = 24h", "第 3 行第 12 列", 'period = "24h"', 'words are written in quotes: period = "24h"'),
    ("period = stay", "第 3 行第 10 列", 'period = "stay"', 'in quotes: period = "stay"'),
    ("free = 15分钟", "第 3 行第 10 列", "15 后面不能再写字", "nothing may follow 15"),
    ('cap = 10"', "第 3 行第 9 列", "= 后面的值写得不对", "the value after = is wrong"),
    ('steps = [{ price = "2" }\n\n[[rates]]', "第 5 行第 1 列", "第 3 行第 9 列的 [ 没有配对的 ]", "the [ of line 3"),
    (
        'steps = [\n{ price = "2" },\n[[rates]]',
        "第 5 行第 3 列",
        "第 3 行第 9 列的 [ 没有",
        "the [ of line 3, column 9",
    ),
    ('steps = [{ price = "2" }', "第 3 行第 25 列", "第 3 行第 9 列的 [ 没有", "the [ of line 3, column 9"),
    ('caps = ["65"\nfree = 15', "第 4 行第 1 列", "第 3 行第 8 列的 [ 没有", "the [ of line 3, column 8"),
    ('caps = ["65" "30"]', "第 3 行第 14 列", "少了逗号或 ]", "a comma or a ] is missing"),
    ('steps = [\n{ price = "2" }\n{ price = "3" }]', "第 5 行第 1 列", "后面少了逗号", "a comma is missing after"),
    ('steps = [{ per = 30 price = "2" }]', "第 3 行第 21 列", "少了一个逗号", "a comma is missing here"),
    ('steps = [{ price = "2"\n]', "第 3 行第 23 列", "第 3 行第 10 列的 { 没有配对的 }", "the { of line 3, column 10"),
    ('steps = [{ price = "2"]', "第 3 行第 23 列", "第 3 行第 10 列的 { 没有配对的 }", "the { of line 3, column 10"),
    ("steps = [{ per = 30, }]", "第 3 行第 22 列", "} 前面多了一个逗号", "a comma too many"),
    ('steps = [{ per = 30,\nprice = "2" }]', "第 3 行第 21 列", "写在同一行", "written on one line"),
    ("steps = [{ per = 30, per = 40 }]", "第 3 行", "同一项在一处写了两次", "written twice"),
    ("free = 15\nfree = 20", "第 4 行", "同一项在一处写了两次", "written twice"),
    ("[rates]", "第 3 行", "[[rates]]、[[rates.sections]]", "have two brackets"),
    ("[[rates]", "第 3 行第 8 列", "方括号没有配对", "brackets do not match"),
    ('cap = "10', "第 3 行第 10 列", "引号没有配对", "a quote is not closed"),
    ('cap = "10\\p"', "第 3 行", "反斜杠", "no backslash"),
    ('cap = "\x01"', "第 3 行", "看不见的字符", "invisible"),
    ("free 15", "第 3 行第 6 列", "后面要有 =", "is followed by ="),
    ("免费 = 15", "第 3 行第 1 列", "名称用英文", "a key and its value"),
    ("day = 2026-02-30", "第 3 行", "没有这个日期", "no such date"),
]


@pytest.mark.parametrize(("line", "place", "zh", "en"), SLIPS, ids=range(len(SLIPS)))
def test_a_slip_of_the_pen_is_said_in_both_languages_with_line_and_column(
    line: str, place: str, zh: str, en: str
) -> None:
    [problem] = refused(f"valid_from = 2026-01-01 # “，”\n[[rates]]\n{line}\n".encode())
    assert place in problem.zh
    assert zh in problem.zh
    assert en in problem.en
    assert not any(word in problem.zh for word in ("Invalid", "Expected", "Unclosed", "Illegal", "Cannot"))
    assert (place.split(" ")[1]) in problem.en


def test_every_line_with_full_width_punctuation_is_told_of_at_once() -> None:
    found = refused('valid_from = 2026-01-01\n[[rates]]\nvehicles = ["大车（黄）"]\nfree：15\ncaps = [“65”]\n'.encode())
    assert [problem.zh.partition("第 ")[2][0] for problem in found] == ["4", "5"]
    assert len(refused("a：1\n".encode() * 1000)) == 10
    [json_slip] = refused('{"valid_from": “2026-01-01”}'.encode())
    assert "第 1 行第 16 列" in json_slip.zh


def test_a_value_without_full_width_characters_has_no_hint_at_them() -> None:
    [problem] = refused(section(cap="2.505"))
    assert problem.zh == '金额应为 0 到 1000000 元、最多两位小数，如 "2.50"，现为 "2.505"'
    assert problem.en == 'must be yuan from 0 to 1000000 with at most two decimals, as "2.50", not "2.505"'


def test_a_full_width_value_is_refused_with_its_half_width_form() -> None:
    for section, half in (({"from": "２２：00", "until": "08:00"}, '"22:00"'), ({"cap": "１０"}, '"10"')):
        found = refused(rate(sections=[{**section, "steps": [{"price": "1"}]}]))
        assert f"有全角字符，改成 {half}" in found[0].zh
        assert f"full-width characters, write {half}" in found[0].en


def test_an_hour_of_one_digit_is_a_time_of_day() -> None:
    nine = rate(sections=[{"from": at, "until": at, "steps": [{"price": "1"}]} for at in ("9:00",)])
    assert price_lists.from_data(nine).rates[0].sections[0].start == 540


ELSEWHERE = [
    (lambda d: d.update(at_border="cut"), "写在 [[rates]] 下面", "written under [[rates]]"),
    (lambda d: d["rates"][0].update(round_to="1"), "写在文件开头", "written at the top"),
    (lambda d: d["rates"][0].update(cap="1"), "[[rates]] 下面的 period_caps", "is period_caps under [[rates]]"),
    (lambda d: d["rates"][0].update(days=["mon"]), "写在 [[rates.sections]] 下面", "written under [[rates.sections]]"),
    (lambda d: d["rates"][0]["sections"][0].update(at_border="cut"), "[[rates.sections]] 前面", "before [[rates.sec"),
    (lambda d: d["rates"][0]["sections"][0].update(ignore=5), "steps = [{ … }]", "inside a step"),
    (lambda d: d["rates"][0]["sections"][0]["steps"][0].update(free=5), "free = true", "says free = true"),
    (lambda d: d.update(holidays=[]), "--days", "--days"),
]


@pytest.mark.parametrize(("change", "zh", "en"), ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(
    change: Callable[[dict[str, Any]], object], zh: str, en: str
) -> None:
    [problem] = refused(changed(change))
    assert "不写在这里" in problem.zh
    assert "does not belong here" in problem.en
    assert zh in problem.zh
    assert en in problem.en


def test_one_bracket_too_few_is_told_how_it_is_written() -> None:
    for data, written in (
        ({"valid_from": "2026-01-01", "rates": {}}, "[[rates]]"),
        (rate(sections={}), "[[rates.sections]]"),
        (rate(sections=[{"steps": {"price": "1"}}]), "steps = [{ … }]"),
    ):
        [problem] = refused(data)
        assert f"要写作 {written}" in problem.zh
        assert f"is written {written}" in problem.en


def test_a_number_beyond_all_bounds_in_a_file_is_refused() -> None:
    for text in (
        b'valid_from = 2026-01-01\n[[rates]]\n[[rates.sections]]\ncap = 1e400\nsteps = [{price = "1"}]',
        b'{"valid_from": "2026-01-01", "rates": [{"sections": [{"cap": 1e400, "steps": [{"price": "1"}]}]}]}',
    ):
        [problem] = refused(text)
        assert problem.field == "rates[0].sections[0].cap"
        assert problem.en == 'amounts are written in quotes, as "2.50", not 1e400'
        assert problem.zh == '金额要加引号，如 "2.50"，现为 1e400'
    hexadecimal = b"valid_from = 2026-01-01\n[[rates]]\nfree = 0x" + b"f" * 6000 + b"\n[[rates.sections]]\nfree = true"
    assert refused(hexadecimal)[0].en.endswith("not ≥ 10^18")


def test_a_time_or_a_date_in_the_wrong_place_is_refused() -> None:
    head = b"valid_from = 2026-01-01\n[[rates]]\n[[rates.sections]]\n"
    assert "in quotes" in refused(head + b'from = 08:00:00\nuntil = "20:00"\nsteps = [{price = "1"}]')[0].en
    assert (
        refused(b"valid_from = 2026-01-01T00:00:00\n" + head[24:] + b'steps = [{price = "1"}]')[0].field == "valid_from"
    )


def test_a_byte_order_mark_of_a_windows_editor_is_no_trouble() -> None:
    assert price_lists.read(b"\xef\xbb\xbf" + FULL.encode()) == price_lists.read(FULL.encode())


def test_the_largest_list_that_is_read_is_read_quickly() -> None:
    sections = [
        {
            "from": price_lists._clock(n * 30),
            "until": price_lists._clock((n + 1) * 30 % 1440),
            "steps": [{"price": "1"}],
        }
        for n in range(48)
    ]
    rates = [{"vehicles": [str(n)], "sections": sections} for n in range(20)]
    assert costs_less_than(1, lambda: price_lists.from_data({"valid_from": "2026-01-01", "rates": rates}))


@pytest.mark.parametrize("text", ["", "1.", ".5", "1,5", " 1", "1\n", "+1", "10000000", "1.234", "１"])
def test_what_is_no_amount_is_no_money(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        money.fen(text)


def test_amounts_are_fen_and_back() -> None:
    assert [money.fen(text) for text in ("0", "2.5", "2.50", "0.05", "1000000")] == [0, 250, 250, 5, 100_000_000]
    assert [money.yuan(fen) for fen in (0, 5, 250, 100_000_000)] == ["0.00", "0.05", "2.50", "1000000.00"]
    assert [money.short(fen) for fen in (0, 5, 250, 1000)] == ["0", "0.05", "2.5", "10"]


def test_a_lot_may_say_otherwise_of_single_days_and_whole_years() -> None:
    days = day_files.read(
        b"holidays = [2027-01-01, 2026-10-10]\nworkdays = [2027-01-09]\nordinary = [2026-10-01]\nyears = [2027]"
    )
    assert days == Days(
        holidays=(date(2027, 1, 1), date(2026, 10, 10)),
        workdays=(date(2027, 1, 9),),
        ordinary=(date(2026, 10, 1),),
        years=(2027,),
    )
    calendar = published().with_days(days)
    assert calendar.kind(date(2027, 1, 1)) is DayKind.HOLIDAY
    assert calendar.kind(date(2027, 1, 2)) is DayKind.WEEKEND
    assert calendar.kind(date(2027, 1, 9)) is DayKind.WORKDAY
    assert calendar.kind(date(2026, 10, 1)) is DayKind.WORKDAY
    assert calendar.kind(date(2026, 10, 10)) is DayKind.HOLIDAY
    assert calendar.kind(date(2026, 10, 2)) is DayKind.HOLIDAY


@pytest.mark.parametrize(
    ("text", "field", "en"),
    [
        (b'holidays = ["x"]', "holidays", "must be a date"),
        (b"holiday = [2027-01-01]", "holiday", "is holidays meant?"),
        (b"holidays = [2027-01-01]\nworkdays = [2027-01-01]", "workdays", "2027-01-01 is there twice"),
        (b"years = [20270]", "years", "from 1971 to 8999"),
        (b"years = [true]", "years", "not true"),
    ],
)
def test_a_file_of_days_that_is_wrong_is_refused(text: bytes, field: str, en: str) -> None:
    with pytest.raises(BadPriceList) as error:
        day_files.read(text)
    [problem] = error.value.problems
    assert (problem.field, en in problem.en) == (field, True)


def test_the_documented_price_lists_are_read() -> None:
    assert rule("zhujiang").rates[0].period_caps == (6500,)


@pytest.mark.parametrize("page", ["tariffs.md", "tariffs.en.md"])
def test_the_page_tells_of_every_key_in_its_place_and_of_no_other(page: str) -> None:
    text = (DOCUMENTS.parent / page).read_text("utf-8")
    told = [
        re.findall(r"^\| `(\w+)` \|", part.partition("\n## ")[0], re.MULTILINE) for part in text.split("\n### ")[1:]
    ]
    assert told == [
        [key for key in price_lists.LIST_KEYS if key != "rates"],
        [key for key in price_lists.RATE_KEYS if key != "sections"],
        list(price_lists.SECTION_KEYS),
        list(price_lists.STEP_KEYS),
    ]


def test_there_is_a_key_for_all_that_a_price_list_holds() -> None:
    names = {"start": "from"}
    for struct, keys in (
        (PriceList, price_lists.LIST_KEYS),
        (Rate, price_lists.RATE_KEYS),
        (Section, price_lists.SECTION_KEYS),
        (Step, price_lists.STEP_KEYS),
    ):
        assert {names.get(field, field) for field in struct.__struct_fields__} == set(keys)
        assert set(keys) <= set(price_lists.HOMES)
