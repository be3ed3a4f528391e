"""The page of example price lists in both languages, and their curves, made from docs/tariffs/*.toml."""

# ruff: noqa: E501 - a paragraph in Chinese is one line: a break in it would be shown as a space

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from taigan.lot.tariff.evaluation import SHANGHAI
from taigan.lot.tariff.pictures.curve import curve
from taigan.lot.tariff.reading import price_lists

FILES = Path(__file__).resolve().parent.parent / "docs" / "tariffs"
MADE = "<!-- Made by tools/generate_docs.py from docs/tariffs/*.toml. Do not edit. -->"


class Example(NamedTuple):
    """A price list: what it is, what it shows, and the stay that its curve draws."""

    zh: str
    en: str
    shows_zh: str
    shows_en: str
    entry: datetime
    hours: int = 26
    vehicle: str = ""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


EXAMPLES = {
    "guangzhou-mall": Example(
        "广州商场",
        "Guangzhou, a mall",
        "白天分两级，夜间封顶 10 元，24 小时封顶 65 元。免费 15 分钟，超过后从入场计。",
        "Two steps by day, 10 yuan at most by night, 65 yuan at most in 24 h. 15 minutes free; a longer stay is charged from the entry.",
        at(2, 9),
    ),
    "hangzhou": Example(
        "杭州（2012）",
        "Hangzhou (2012)",
        "“不足15分钟”不含正好 15 分钟；首小时后每半小时的零头，15 分钟以内不计。",
        '"Less than 15 minutes" leaves out exactly 15; after the first hour a rest of up to 15 minutes of a half hour is not charged.',
        at(2, 9),
        8,
    ),
    "anshan-station": Example(
        "鞍山站前",
        "Anshan, the station",
        "只在 7–19 时收费；免费的 15 分钟只算收费时间，6 点到的车从 7 点起算。",
        "Charged from 7 to 19 only; the free 15 minutes are minutes of charged time: a car that comes at 6 is counted from 7.",
        at(2, 6),
    ),
    "baiyun-airport": Example(
        "广州白云机场",
        "Guangzhou Baiyun airport",
        "前两小时贵，以后便宜，每 24 小时封顶 60 元，第二个 24 小时重新从贵的开始。",
        "Two dear hours, then cheaper ones, 60 yuan at most in 24 h; the second 24 h begin with the dear hours again.",
        at(2, 9),
        50,
    ),
    "beijing-kerb": Example(
        "北京占道停车（一类）",
        "Beijing, kerb, class 1",
        "不足一个计时单位不收：`ignore` 等于 `per`。",
        "A unit that is not complete is not charged: `ignore` equals `per`.",
        at(2, 9),
    ),
    "jinan": Example(
        "济南",
        "Jinan",
        "跨时段的那个小时，按开始时的时段计满。",
        "The hour that crosses the border of day and night is finished at the price it began with.",
        at(2, 17, 40),
    ),
    "huangshan": Example(
        "黄山景区",
        "Huangshan, scenic area",
        "按“几小时以内多少元”写的牌子：每一级写比前一级多收多少。",
        'A board that says "up to so many hours so much": each step says how much more than the step before.',
        at(2, 9),
        30,
    ),
    "airport-30-40-50": Example(
        "机场 30/40/50",
        "An airport, 30/40/50",
        "封顶逐日递增：第一个 24 小时 30 元，第二个 40 元，第三个起 50 元。",
        "Caps that ascend: 30 yuan in the first 24 h, 40 in the second, 50 from the third on.",
        at(2, 9),
        100,
    ),
    "workdays-and-holidays": Example(
        "工作日与节假日",
        "Working days and holidays",
        "写法示例：工作日、周末和节假日不同价，大型车按自己的价目加倍，合计取整到元。曲线是周五 17 时入场的小型车。",
        "How it is written: other prices on working days than on weekends and holidays, large vehicles with a list and double, the sum rounded to a yuan. The curve is a small car that enters on a Friday at 17:00.",
        at(6, 17),
        72,
        "small",
    ),
}
HEAD = {
    "zh": f"""# 价目表的例子

{MADE}

怎么写见[价目表](tariffs.md)。每一份都可以下载，改成自己的，用 `taigan tariff check` 检查。除注明“写法示例”的以外，都来自公布过的收费标准；标准会变，用前请核对。
""",
    "en": f"""# Examples of price lists

{MADE}

How they are written: [price lists](tariffs.md). Each can be downloaded and changed; `taigan tariff check` looks at it. But for the one that shows how it is written, they are after published notices; notices change, so check before use.
""",
}


def tariff_pages() -> Iterator[tuple[str, str]]:
    """The pages and the curves, by their names in docs/."""
    found = {file.stem for file in FILES.glob("*.toml")}
    assert found == set(EXAMPLES), f"not described: {found ^ set(EXAMPLES)}"
    texts = {name: (FILES / f"{name}.toml").read_text(encoding="utf-8") for name in EXAMPLES}
    for language, ending in (("zh", ""), ("en", ".en")):
        page = [HEAD[language]]
        for name, example in EXAMPLES.items():
            title, shows = (example.zh, example.shows_zh) if language == "zh" else (example.en, example.shows_en)
            price_list = price_lists.read(texts[name].encode())
            yield (
                f"tariffs/{name}{ending}.svg",
                curve(price_list, example.entry, example.hours, example.vehicle, language, title=title),
            )
            page.append(
                f"## {title}\n\n{shows}\n\n"
                f'<img src="tariffs/{name}{ending}.svg" alt="{title}" width="100%">\n\n'
                f"[{name}.toml](tariffs/{name}.toml)\n\n```toml\n{texts[name]}```\n"
            )
        yield f"tariff-examples{ending}.md", "\n".join(page)
