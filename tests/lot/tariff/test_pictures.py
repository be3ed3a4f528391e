"""The curve and the board: what they show is what the price list says."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.lot.tariffs import DOCUMENTED, DOCUMENTS, any_price_list, rule
from taigan.lot.tariff.evaluation import SHANGHAI, price
from taigan.lot.tariff.model import PriceList
from taigan.lot.tariff.pictures import curve, words
from taigan.lot.tariff.pictures.board import board
from taigan.lot.tariff.reading import price_lists

MONDAY = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
SVG = "{http://www.w3.org/2000/svg}"


HERE = Path(__file__).parent
BOARDS = price_lists.read((HERE / "boards.toml").read_bytes())
# What each price list says in words, as people have read and found right: a heading with its name, then the lines.
READ_ALOUD = {
    part.partition("\n")[0]: part.partition("\n")[2].splitlines()
    for part in (HERE / "read_aloud.txt").read_text("utf-8").rstrip("\n").split("== ")[1:]
}


def drawn(name: str, **more: Any) -> ET.Element:
    return ET.fromstring(curve.curve(rule(name), **{"entry": MONDAY, **more}))


def texts(picture: ET.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def price_at(picture: ET.Element, minute: float, minutes: int) -> float:
    """Read off the curve, in yuan, by its own axes."""
    [line] = picture.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
    wanted = curve.LEFT + (curve.WIDTH - curve.LEFT - curve.RIGHT) * minute / minutes
    y = next(y for (x, y), (following, _) in pairwise(points) if x <= wanted < following)
    ticks = [
        (float(text.text), float(text.get("y", "")) - 4)
        for text in picture.iter(f"{SVG}text")
        if text.get("text-anchor") == "end" and re.fullmatch(r"[\d.]+", text.text or "")
    ]
    (low, at_low), (high, at_high) = ticks[0], ticks[-1]
    return low + (high - low) * (at_low - y) / (at_low - at_high)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_curve_can_be_read_off_and_agrees_with_the_price(name: str) -> None:
    picture = drawn(name, hours=30)
    for minute in (10, 31, 200, 700, 1430, 1450, 1799):
        fen = price(rule(name), MONDAY, MONDAY + timedelta(minutes=minute, seconds=30)).fen
        assert price_at(picture, minute + 0.5, 1800) == pytest.approx(fen / 100, abs=0.5)


def test_a_section_at_its_cap_is_marked_unless_its_period_was_at_its_own_before() -> None:
    assert "时段封顶 10元" not in texts(drawn("zhujiang"))
    assert "时段封顶 10元" in texts(drawn("zhujiang", entry=MONDAY.replace(hour=20)))
    assert "at most ¥10 here" in texts(drawn("zhujiang", entry=MONDAY.replace(hour=20), language="en"))


def test_where_a_day_of_the_clock_begins_is_said_at_its_line() -> None:
    assert "06:00 新的一天" in texts(drawn("turn-6"))
    assert "a new day" in texts(drawn("turn-6", language="en"))


def test_free_minutes_steps_caps_and_times_of_day_are_marked() -> None:
    found = texts(drawn("zhujiang"))
    for mark in (
        "15分钟免费",
        "2.5元/30分钟",
        "5元/30分钟",
        "2元/30分钟",
        "封顶 65元",
        "22:00–次日08:00",
        "满24小时，重新起算",
        "停车时长（下行为钟点，2026-03-02入场）",
    ):
        assert mark in found
    english = texts(drawn("zhujiang", language="en", title="A mall"))
    for mark in ("15 min free", "¥2.5 per 30 min", "at most ¥65", "22:00–08:00 next day", "24 h: counted anew"):
        assert mark in english
    assert english[0] == "A mall: Entry on a Monday at 09:00: what a stay of which length costs"


def boxes(picture: ET.Element) -> list[tuple[str, float, float, float, float]]:
    """What stands on the picture: texts, as wide as they are set, and markers; left, top, right, bottom."""
    found = []
    for text in picture.iter(f"{SVG}text"):
        if "halo" in text.get("class", ""):
            said, x, y = text.text or "", float(text.get("x", "")), float(text.get("y", ""))
            wide = sum(12 if ord(character) > 0x2E7F else 6 for character in said)
            found.append((said, x, y - 10, x + wide, y + 3))
    for circle in picture.iter(f"{SVG}circle"):
        x, y = float(circle.get("cx", "")), float(circle.get("cy", ""))
        found.append(("a marker", x - 4, y - 4, x + 4, y + 4))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", [*DOCUMENTED, "gz-cap40", "taikoo-old", "lianying"])
def test_texts_on_a_curve_touch_no_other_text_and_no_marker(name: str, language: str) -> None:
    found = boxes(drawn(name, language=language))
    for number, (said, left, top, right, bottom) in enumerate(found):
        assert left >= curve.LEFT - 4
        assert right <= curve.WIDTH - curve.RIGHT + 4
        for other, other_left, other_top, other_right, other_bottom in found[:number]:
            if said == other == "a marker":
                continue
            apart = left >= other_right or other_left >= right or top >= other_bottom or other_top >= bottom
            assert apart, (said, other)


def test_a_cap_that_ends_at_a_step_is_written_beside_the_marker_and_both_are_read() -> None:
    found = texts(drawn("gz-cap40"))
    assert "封顶 40元" in found
    assert found.count("3元/小时") == 3


def test_a_curve_of_any_price_list_is_drawn_and_its_title_is_text() -> None:
    for seed in range(20):
        prices = any_price_list(random.Random(seed))
        svg = curve.curve(prices, MONDAY.replace(year=2025), 5, title="<b>&")
        assert ET.fromstring(svg).find(f"{SVG}title").text.startswith("<b>&")  # type: ignore[union-attr]
        ET.fromstring(re.sub(r"<!doctype html>|<meta [^>]*>", "", board(prices, "<b>&")))


@pytest.mark.parametrize(
    ("name", "language", "entry", "hours", "title"),
    [
        ("guangzhou-mall", "zh", MONDAY, 26, "广州商场"),
        ("anshan-station", "en", MONDAY.replace(hour=6), 26, "Anshan, the station"),
        ("hangzhou", "zh", MONDAY, 8, "杭州（2012）"),
        ("huangshan", "en", MONDAY, 30, "Huangshan, scenic area"),
    ],
)
def test_a_curve_is_the_picture_in_the_documents_that_people_have_looked_at(
    name: str, language: str, entry: datetime, hours: int, title: str
) -> None:
    price_list = price_lists.read((DOCUMENTS / f"{name}.toml").read_bytes())
    looked_at = (DOCUMENTS / f"{name}{'.en' if language == 'en' else ''}.svg").read_text("utf-8")
    assert curve.curve(price_list, entry, hours, "", language, title=title) == looked_at


@pytest.mark.parametrize(
    ("vehicle", "entry", "hours", "language"),
    [
        ("small", "05T14:00", 60, "zh"),
        ("large", "09T05:30", 70, "en"),
        ("motorcycle", "05T09:00", 30, "zh"),
        ("truck", "05T09:00", 40, "en"),
        ("van", "05T20:00", 26, "zh"),
        ("bus_large", "05T09:00", 30, "zh"),
    ],
)
def test_a_curve_where_many_switches_meet_is_the_picture_that_people_have_looked_at(
    vehicle: str, entry: str, hours: int, language: str
) -> None:
    begins = datetime.fromisoformat(f"2026-01-{entry}").replace(tzinfo=SHANGHAI)
    looked_at = (HERE / "curves" / f"{vehicle}.svg").read_text("utf-8")
    assert curve.curve(BOARDS, begins, hours, vehicle, language) == looked_at


def test_a_stay_that_costs_nothing_is_a_line_on_the_ground() -> None:
    free = price_lists.from_data({"valid_from": "2026-01-01", "rates": [{"sections": [{"free": True}]}]})
    picture = ET.fromstring(curve.curve(free, MONDAY, 0))
    assert price_at(picture, 30, 60) == 0


def test_the_board_says_everything_in_both_languages_and_fetches_nothing() -> None:
    page = board(rule("zhujiang"), "东门<停车场>")
    for said in (
        "3小时以内：2.5元/30分钟",
        "first 3 h: ¥2.5 per 30 min",
        "22:00–次日08:00",
        "自入场起每24小时封顶65元",
    ):
        assert said in page
    assert "东门&lt;停车场&gt;" in page
    assert "自2011年1月1日起执行" in page
    assert "<script" not in page
    assert "http" not in page


SAID = [
    ({"free": 15, "free_limit": "under"}, {"steps": [{"price": "5"}]}, "不足15分钟免费", "less than 15 min is free"),
    ({"free": 90, "after_free": "from_end"}, {"steps": [{"price": "5"}]}, "扣除免费时长", "taken off"),
    ({"free": 15, "free_clock": "charged"}, {"steps": [{"price": "5"}]}, "收费时段内15分钟以内", "of charged time"),
    ({"period": "stay"}, {"steps": [{"price": "5"}]}, "5元/次", "¥5 per visit"),
    ({}, {"steps": [{"price": "5"}]}, "5元/24小时", "¥5 per 24 h"),
    (
        {"period": "day", "day_starts": "06:00"},
        {"steps": [{"price": "5"}]},
        "5元/日（06:00起）",
        "¥5 per day (from 06:00)",
    ),
    ({}, {"steps": [{"per": 60, "price": "5", "ignore": 60}]}, "不足1小时不收", "less than 1 h is not charged"),
    ({}, {"steps": [{"per": 30, "price": "5", "ignore": 15}]}, "零头15分钟以内（含）不计", "a rest of up to 15 min"),
    (
        {},
        {"steps": [{"up_to": 60, "price": "5"}, {"per": 60, "price": "1"}]},
        "1小时以内：共5元",
        "first 1 h: ¥5 in all",
    ),
    (
        {"first_steps": "once"},
        {"steps": [{"up_to": 60, "price": "5"}, {"up_to": 150, "price": "2"}, {"price": "1"}]},
        "1小时至2.5小时：加收2元",
        "1 h to 2.5 h: ¥2 more",
    ),
    ({}, {"steps": [{"per": 30, "price": "5"}]}, "不足一个计时单位的，按一个单位计", "a unit that has begun"),
    (
        {},
        {"steps": [{"per": 30, "price": "5", "ignore": 15}]},
        "其余零头不足一个计时单位的，按一个单位计",
        "any other unit that has begun counts as a whole one",
    ),
    ({"free": 15}, {"steps": [{"price": "5"}]}, "免费时长每次停车只有一次，重新计时后不再给", "given once per stay"),
    ({"period_caps": ["30", "40"]}, {"steps": [{"per": 60, "price": "5"}]}, "第2个40元", "¥30, ¥40"),
    ({"percent": 50}, {"steps": [{"per": 60, "price": "5"}]}, "50%收取", "50% of this"),
    ({}, {"steps": [{"per": 60, "price": "5"}]}, "不封顶", "no maximum"),
    ({"vehicles": ["large", "叉车"]}, {"steps": [{"per": 60, "price": "5"}]}, "大型车、叉车", "large vehicles, 叉车"),
]


@pytest.mark.parametrize(("rate", "section", "zh", "en"), SAID, ids=[zh for _, _, zh, _ in SAID])
def test_each_switch_is_said_in_words(rate: dict[str, Any], section: dict[str, Any], zh: str, en: str) -> None:
    data = {"valid_from": "2026-01-01", "rates": [rate | {"sections": [section]}]}
    page = board(price_lists.from_data(data))
    assert zh in page
    assert en in page


@pytest.mark.parametrize(
    ("at_border", "zh", "en"),
    [
        ("cut", "跨时段的，各时段分别计时", "each time of day is counted by itself"),
        ("finish", "按开始时的时段计满", "a unit that has begun is finished"),
    ],
)
def test_what_becomes_of_a_unit_at_a_border_is_said(at_border: str, zh: str, en: str) -> None:
    sections = [
        {"from": "08:00", "until": "20:00", "steps": [{"per": 60, "price": "5"}]},
        {"from": "20:00", "until": "08:00", "free": True},
    ]
    data = {"valid_from": "2026-01-01", "rates": [{"at_border": at_border, "sections": sections}]}
    price_list = price_lists.from_data(data)
    said = words.rules(price_list, price_list.rates[0])
    assert (
        [rule for rule in said if "跨时段" in rule.zh]
        == [rule for rule in said if zh in rule.zh and en in rule.en]
        != []
    )


def test_what_does_not_apply_is_not_said() -> None:
    def said(*steps: dict[str, Any], **rate: Any) -> str:
        return board(
            price_lists.from_data(
                {"valid_from": "2026-01-01", "rates": [rate | {"sections": [{"steps": list(steps)}]}]}
            )
        )

    assert "不足一个计时单位的" not in said({"per": 60, "price": "5", "ignore": 60})
    assert "不足一个计时单位的" not in said({"price": "5"})
    assert "免费时长每次停车只有一次" not in said({"price": "5"}, free=15, period="stay")


def test_days_and_times_are_said_in_words() -> None:
    page = board(price_lists.read((DOCUMENTS / "workdays-and-holidays.toml").read_bytes()))
    for said in (
        "周末、节假日 08:00–20:00",
        "weekends, public holidays, 08:00–20:00",
        "合计四舍五入到1.00元",
        "小型车、新能源车",
    ):
        assert said in page


def test_a_period_without_a_cap_that_cuts_sections_is_remarked() -> None:
    sections = [
        {"from": "08:00", "until": "20:00", "cap": "20", "steps": [{"per": 60, "price": "5"}]},
        {"from": "20:00", "until": "08:00", "free": True},
    ]

    def remarks(**rate: Any) -> int:
        data = {"valid_from": "2026-01-01", "rates": [rate | {"sections": sections}]}
        return len(words.remarks(price_lists.from_data(data).rates[0]))

    assert (remarks(), remarks(period="day"), remarks(period="stay")) == (1, 1, 0)
    long = {"sections": [{"steps": [{"up_to": 1500, "price": "5"}, {"price": "1"}]}], "period_caps": ["9"]}
    [remark] = words.remarks(price_lists.from_data({"valid_from": "2026-01-01", "rates": [long]}).rates[0])
    assert "never reached" in remark.en
    day = {"sections": [{"steps": [{"up_to": 1440, "price": "5"}, {"price": "1"}]}], "period_caps": ["9"]}
    assert words.remarks(price_lists.from_data({"valid_from": "2026-01-01", "rates": [day]}).rates[0]) == []


def test_a_night_that_its_period_cuts_in_two_is_remarked_with_what_it_can_cost() -> None:
    def remarks(**rate: Any) -> list[str]:
        day = {"from": "08:00", "until": "22:00", "steps": [{"per": 30, "price": "5"}]}
        night = {"from": "22:00", "until": "08:00", "cap": "10", "steps": [{"per": 30, "price": "10"}]}
        data = {"valid_from": "2026-01-01", "rates": [{"period_caps": ["80"], "sections": [day, night]} | rate]}
        return [remark.zh for remark in words.remarks(price_lists.from_data(data).rates[0])]

    [remark] = remarks()
    assert "22:00–次日08:00 的封顶在入场满24小时的时刻重新计起" in remark
    assert "最多可收 20元" in remark
    assert remarks(period="stay") == []
    [by_day] = remarks(period="day")
    assert "在每日00:00重新计起" in by_day
    assert [len(remarks(period="day", day_starts=at)) for at in ("22:00", "22:01", "07:59", "08:00", "12:00")] == [
        0,
        1,
        1,
        0,
        0,
    ]
    assert remarks(sections=[{"cap": "10", "steps": [{"per": 30, "price": "10"}]}]) == []


def test_minutes_that_may_be_meant_as_hours_are_remarked() -> None:
    def remarks(*steps: dict[str, Any]) -> list[str]:
        data = {"valid_from": "2026-01-01", "rates": [{"sections": [{"steps": list(steps)}]}]}
        return [remark.zh for remark in words.remarks(price_lists.from_data(data).rates[0])]

    assert remarks({"per": 12, "price": "10"}) == ["10元/12分钟，合每小时约 50元：per 是分钟，12小时写 per = 720"]
    assert remarks({"up_to": 3, "price": "5"}, {"per": 60, "price": "1"}) == [
        "到3分钟为止的一级：up_to 是分钟，3小时写 up_to = 180"
    ]
    assert not any(remarks({"per": per, "price": "1"}) for per in (5, 10, 15, 20, 30, 60, 720))


def read_aloud(price_list: PriceList) -> list[str]:
    lines = []
    for rate in price_list.rates:
        for said in (
            words.vehicles(rate),
            *(
                said
                for section in rate.sections
                for said in (words.times(section), *words.charges(rate, section), words.cap(section))
            ),
            *words.rules(price_list, rate),
            *words.remarks(rate),
        ):
            lines.append(f"{said.zh} | {said.en}")
    return lines


@pytest.mark.parametrize("name", READ_ALOUD)
def test_a_price_list_says_in_words_what_people_have_read_and_found_right(name: str) -> None:
    assert read_aloud(BOARDS if name == "boards" else rule(name)) == READ_ALOUD[name]


def test_a_board_shows_every_rate_with_its_sections_caps_and_rules_and_nothing_twice() -> None:
    page = re.sub(r"<style>.*?</style>", "", board(BOARDS), flags=re.DOTALL)
    tables = [
        [[strip(cell) for cell in re.findall(r"<t[dh]>(.*?)</t[dh]>", row)] for row in table.split("</tr>")[:-1]]
        for table in page.split("<table>")[1:]
    ]
    assert [len(table) - 1 for table in tables] == [len(rate.sections) for rate in BOARDS.rates]
    assert tables[0][0] == ["时段Time", "收费标准Charge", "时段封顶At most"]
    assert [row[2] for row in tables[0][1:]] == ["—", "15元¥15"]
    assert tables[-1] == [["时段Time", "收费标准Charge"], ["全天all day", "10元/24小时¥10 per 24 h"]]
    assert re.findall(r"<h2>(.*?) <small", page)[::7] == ["小型车、叉车", "其余车辆"]
    alone = board(price_lists.from_data({"valid_from": "2026-01-01", "rates": [{"sections": [{"free": True}]}]}))
    assert "各类车辆" in alone
    assert "其余车辆" not in alone
    named = {"vehicles": ["large"], "sections": [{"free": True}]}
    assert "<h2>大型车 " in board(price_lists.from_data({"valid_from": "2026-01-01", "rates": [named]}))


def strip(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


HOURS = [{"per": 60, "price": "5"}]
DAY_AND_NIGHT = [
    {"from": "08:00", "until": "20:00", "steps": HOURS},
    {"from": "20:00", "until": "08:00", "steps": HOURS},
]
WHOLE = "不足一个计时单位的，按一个单位计"
WHAT_A_BOARD_SAYS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [WHOLE, "不封顶", "满24小时后重新计时"]),
    ({"period": "stay"}, [WHOLE, "不封顶"]),
    ({"period": "stay", "period_caps": ["60"]}, [WHOLE, "每次停车封顶60元"]),
    ({"period_caps": ["60"]}, [WHOLE, "自入场起每24小时封顶60元", "满24小时后重新计时"]),
    (
        {"period_caps": ["30", "40"]},
        [WHOLE, "自入场起每24小时封顶：第1个30元、第2个40元（以后相同）", "满24小时后重新计时"],
    ),
    (
        {"period": "day", "day_starts": "06:00", "period_caps": ["60"]},
        [WHOLE, "每日（06:00起）封顶60元", "每日06:00后重新计时"],
    ),
    ({"sections": [{"cap": "20", "steps": HOURS}]}, [WHOLE, "满24小时后重新计时"]),
    ({"sections": [{"steps": [{"price": "10"}]}]}, []),
    ({"sections": [{"steps": [{"per": 60, "price": "5", "ignore": 60}]}]}, ["不封顶", "满24小时后重新计时"]),
    (
        {"sections": [{"steps": [{"per": 60, "price": "5", "ignore": 15}]}]},
        ["其余零头不足一个计时单位的，按一个单位计", "不封顶", "满24小时后重新计时"],
    ),
    ({"sections": DAY_AND_NIGHT, "period": "stay"}, [WHOLE, "不封顶", "跨时段的，各时段分别计时"]),
    (
        {"sections": DAY_AND_NIGHT, "period": "stay", "at_border": "finish"},
        [WHOLE, "不封顶", "跨时段的，未满的计时单位按开始时的时段计满"],
    ),
    (
        {
            "sections": [{"steps": [{"up_to": 60, "price": "5"}, *HOURS]}],
            "period": "stay",
            "first_steps": "once",
        },
        [WHOLE, "不封顶", "首段价格每次停车只计一次"],
    ),
    ({"sections": [{"steps": HOURS}], "period": "stay", "first_steps": "once"}, [WHOLE, "不封顶"]),
    (
        {
            "sections": [
                {"from": "08:00", "until": "20:00", "steps": HOURS},
                {"from": "20:00", "until": "08:00", "free": True},
            ],
            "period": "stay",
            "first_steps": "once",
        },
        [WHOLE, "不封顶", "跨时段的，各时段分别计时"],
    ),
    ({"period": "stay", "percent": 80}, [WHOLE, "不封顶", "按上述金额的80%收取"]),
    ({"period": "stay", "percent": 150}, [WHOLE, "不封顶", "按上述金额的150%收取"]),
    (
        {"period": "stay", "free": 15, "free_limit": "up_to", "after_free": "from_entry"},
        ["15分钟以内（含）免费", "超过免费时长的，从入场起计费", WHOLE, "不封顶"],
    ),
    (
        {"period": "stay", "free": 15, "free_limit": "under", "after_free": "from_end", "free_clock": "charged"},
        ["收费时段内不足15分钟免费", "超过免费时长的，扣除免费时长后计费", WHOLE, "不封顶"],
    ),
    (
        {"free": 15},
        [
            "15分钟以内（含）免费",
            "超过免费时长的，从入场起计费",
            "免费时长每次停车只有一次，重新计时后不再给",
            WHOLE,
            "不封顶",
            "满24小时后重新计时",
        ],
    ),
]


@pytest.mark.parametrize(("rate", "says"), WHAT_A_BOARD_SAYS)
def test_a_board_answers_what_a_table_of_prices_leaves_open(rate: dict[str, Any], says: list[str]) -> None:
    data = {"valid_from": "2026-01-01", "rates": [{"sections": [{"steps": HOURS}], **rate}]}
    prices = price_lists.from_data(data)
    assert [rule.zh for rule in words.rules(prices, prices.rates[0])] == says


def test_a_board_says_to_what_the_sum_is_rounded() -> None:
    prices = price_lists.from_data(
        {"valid_from": "2026-01-01", "round_to": "0.5", "rates": [{"period": "stay", "sections": [{"steps": HOURS}]}]}
    )
    assert words.rules(prices, prices.rates[0])[-1].zh == "合计四舍五入到0.50元"
