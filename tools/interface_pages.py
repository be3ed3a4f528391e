"""The pages about the interfaces, read off the catalogue: one table, and a page per chapter with every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from taigan.bolink import AnyInterface, by_section, example_of
from taigan.bolink.describing.description import Field, Row, answer_fields, envelope_of, request_fields
from taigan.bolink.describing.interface import FOLLOWS_SDK, OWN_DESIGN
from taigan.interfaces import rows

MADE = "<!-- Made by tools/generate_docs.py from the catalogue in src/taigan/bolink. Do not edit. -->"
LANGUAGES = {"": "zh", ".en": "en"}
"""The end of a page's name, and its language."""
CHAPTERS = {
    "2": ("车场与二维码", "Lots and codes"),
    "3": ("停车与支付", "Stays and payments"),
    "4": ("对账", "Reconciliation"),
    "5": ("泊链的回调", "BoLink's callbacks"),
    "6": ("电子发票", "Invoices"),
    "7": ("无牌车编号", "A driver's number"),
    "8": ("智慧社区", "Residential areas"),
    "9": ("人员", "People"),
    "10": ("市级平台", "The city's platform"),
    "11": ("下发的指令与数据", "Commands and data"),
}
WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "title": "全部接口",
        "intro": "泊链文档的 {count} 个接口，`taigan interfaces` 打印同一张表（`--json` 给程序用）。"
        "`lot` 是车场平台收到这条消息时怎么办：handled 处理，unhandled 如实回答暂不支持；`hub` 是泊链侧有没有；"
        "最后一列是车场平台什么时候用到它，`taigan interfaces` 还写出在代码的何处。"
        "再加一个接口怎么做，见[增加一个接口](adding-an-interface.md)。",
        "columns": ("章节", "名称", "方向", "service_name 或路径", "文档", "lot", "hub", "客户端方法", "车场何时用到"),
        "uplink": "车场 → 泊链",
        "downlink": "泊链 → 车场",
        "page": "浏览器",
        "full": "完整",
        "partial": "部分",
        "not_found": "只有标题",
        "address": "地址",
        "test": "测试",
        "production": "生产",
        "envelope": "外形",
        "method": "客户端方法",
        "when": "车场何时用到",
        "repeat": "可以重发",
        "no_repeat": "不可重发",
        "resent": "没有收到成功的应答时，泊链按 10、20、30、40、50、80、120、160、200、300 秒重发。",
        "request": "请求",
        "answer": "应答",
        "bytes": "应答是图片本身的字节；没有图片时是 404 和空的正文。",
        "none": "没有应答报文。",
        "fields": ("字段", "类型", "必填", "含义", "例子"),
        "yes": "是",
        "no": "否",
        "example": "例子",
        "values": "取值",
        "length": "最长",
        "variant": "仅当",
        "unconfirmed": "未在该页确认",
        "own": "自行设计",
    },
    "en": {
        "title": "Every interface",
        "intro": "The {count} interfaces of BoLink's document; `taigan interfaces` prints the same table (`--json` for "
        "programs). `lot` is what the lot platform does when it receives the message: handled, or unhandled, which it "
        "says; `hub` is whether BoLink's side has it; the last column is when the lot platform uses it, and "
        "`taigan interfaces` names the place in its code. How another one is added: "
        "[Add an interface](adding-an-interface.md).",
        "columns": (
            *("section", "title", "direction", "service_name or path", "document", "lot", "hub", "client method"),
            "when the lot uses it",
        ),
        "uplink": "lot → BoLink",
        "downlink": "BoLink → lot",
        "page": "browser",
        "full": "full",
        "partial": "partial",
        "not_found": "title only",
        "address": "Address",
        "test": "test",
        "production": "production",
        "envelope": "Outer form",
        "method": "Client method",
        "when": "When the lot uses it",
        "repeat": "May be repeated",
        "no_repeat": "Must not be repeated",
        "resent": "Without an answer that says 1, BoLink sends it again after 10, 20, 30, 40, 50, 80, 120, 160, 200 "
        "and 300 s.",
        "request": "Request",
        "answer": "Answer",
        "bytes": "The answer is the picture's bytes; without a picture it is 404 and empty.",
        "none": "No answer in JSON.",
        "fields": ("field", "type", "required", "meaning", "example"),
        "yes": "yes",
        "no": "no",
        "example": "Example",
        "values": "Values",
        "length": "at most",
        "variant": "only with",
        "unconfirmed": "not confirmed on this page",
        "own": "own design",
    },
}
NOTES_ZH = {
    OWN_DESIGN: "自行设计：文档这一页没有公开。",
    FOLLOWS_SDK: "文档这一页没有公开：按 SDK 文档中对应的接口（sdk/466002）。",
}


def interface_pages() -> Iterator[tuple[str, str]]:
    """Every page's path inside docs/, and its text."""
    lines = rows()
    for suffix, language in LANGUAGES.items():
        yield f"interfaces{suffix}.md", _overview(lines, language)
        for chapter, found in groupby(lines, key=lambda line: line.section.partition(".")[0]):
            yield f"interfaces/chapter-{chapter}{suffix}.md", _chapter(chapter, list(found), language)


def _overview(lines: list[Row], language: str) -> str:
    words = WORDS[language]
    parts = [f"# {words['title']}", MADE, words["intro"].format(count=len(lines)), "", _head(words["columns"])]
    for line in lines:
        chapter = line.section.partition(".")[0]
        title = line.title_zh if language == "zh" else line.title
        where = f"[{_cell(title)}](interfaces/chapter-{chapter}.md#{_anchor(line.section)})"
        name = f"`{line.service_name or line.path or '–'}`"
        cells = (line.section, where, words[line.direction], name, words[line.completeness])
        method = f"`{line.method}`" if line.method else "–"
        when = _cell(line.when_zh if language == "zh" else line.when) or "–"
        parts.append(_line(*cells, line.lot, line.hub, method, when))
    return "\n\n".join(parts[:3]) + "\n\n" + "\n".join(parts[4:]) + "\n"


def _chapter(chapter: str, lines: list[Row], language: str) -> str:
    zh, en = CHAPTERS[chapter]
    parts = [f"# {chapter} {zh if language == 'zh' else en}", MADE]
    for line in lines:
        parts.extend(_interface(by_section(line.section), line, language))
    return "\n\n".join(parts) + "\n"


def _interface(interface: AnyInterface, line: Row, language: str) -> Iterator[str]:
    words = WORDS[language]
    title = line.title_zh if language == "zh" else line.title
    yield f"## {line.section} {_cell(title)} {{#{_anchor(line.section)}}}"
    if line.note:
        yield f"!!! note\n    {NOTES_ZH[line.note] if language == 'zh' else line.note}"
    facts = [words[line.direction], f"{words[line.completeness]}"]
    if interface.service_name:
        facts.append(f"`service_name` = `{interface.service_name}`")
    elif interface.event:
        facts.append(f"`/bolink/{interface.event}`")
    if line.direction == "downlink":
        facts.append(line.lot)
    yield " · ".join(facts)
    listed = []
    if interface.url_test or interface.url_prod:
        listed.append(f"{words['test']}: `{interface.url_test or '–'}`")
        listed.append(f"{words['production']}: `{interface.url_prod or '–'}`")
    elif interface.path:
        listed.append(f"{words['address']}: `{interface.path}`")
    listed.append(f"{words['envelope']}: `{envelope_of(interface)}`")
    if line.method:
        why = "" if language == "zh" else f": {interface.repeat.why}"
        may = words["repeat"] if interface.repeat.safe else words["no_repeat"]
        listed.append(f"{words['method']}: `BolinkClient.{line.method}` ({may}{why})")
    if line.where:
        when = line.when_zh if language == "zh" else line.when
        listed.append(f"{words['when']}: {when} (`{line.where}`)")
    if interface.resent:
        listed.append(words["resent"])
    yield "\n".join(f"- {item}" for item in listed)
    yield f"**{words['request']}**"
    yield _fields(request_fields(interface), language)
    if interface.wrapping != "query":
        example = interface.write(example_of(interface.request))
        shown = json.dumps(json.loads(example), ensure_ascii=False, indent=2)
        yield f'??? example "{words["example"]}"\n\n' + "\n".join(
            f"    {text}" for text in ("```json", *shown.splitlines(), "```")
        )
    yield f"**{words['answer']}**"
    if interface.answer is None:
        yield words["bytes"] if line.direction == "downlink" else words["none"]
    else:
        yield _fields(answer_fields(interface), language)


def _fields(fields: list[Field], language: str) -> str:
    words = WORDS[language]
    return "\n".join((_head(words["fields"]), *(_field(field, words, language) for field in fields)))


def _field(field: Field, words: dict[str, Any], language: str) -> str:
    zh = language == "zh"
    condition = field.condition_zh if zh else field.condition
    required = _cell(condition) if condition else words["yes"] if field.required else words["no"]
    said = [_cell(field.meaning_zh if zh else field.meaning)]
    if field.values:
        listed = ", ".join(f"`{one.value}` {_cell(one.meaning_zh if zh else one.meaning)}" for one in field.values)
        said.append(f"{words['values']}: {listed}")
    if field.max_length:
        said.append(f"{words['length']} {field.max_length}")
    if field.variant:
        said.append(f"{words['variant']} `{field.variant}`")
    if not field.confirmed:
        said.append(f"*{words['unconfirmed']}*")
    if field.own_design:
        said.append(f"*{words['own']}*")
    example = f"`{_cell(field.example)}`" if field.example else ""
    return _line(f"`{field.name}`", field.type, required, "<br>".join(said), example)


def _head(names: object) -> str:
    columns = tuple(str(name) for name in names)  # type: ignore[attr-defined]
    return _line(*columns) + "\n" + _line(*("---" for _ in columns))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ").replace("<", "&lt;")


def _anchor(section: str) -> str:
    return f"s{section.replace('.', '-')}"
