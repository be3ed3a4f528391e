"""The page about the configuration in both languages, read off the settings."""

# ruff: noqa: E501 - a paragraph in Chinese is one line: a break in it would be shown as a space

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from interface_pages import LANGUAGES

from taigan.settings.chinese import SAID
from taigan.settings.model import Lane, Lot, Settings, Vendor, described, sections
from taigan.settings.starting import default_of, toml

MADE = "<!-- Made by tools/generate_docs.py from the settings in src/taigan/settings/model.py. Do not edit. -->"
WORDS = {
    "zh": {
        "intro": """\
# 配置

{made}

`taigan init` 写出的 `taigan.toml` 里，下面的每一项都有。`taigan lot`、`taigan hub`、`taigan lanes` 读 `./taigan.toml`，或者 `--config`、`TAIGAN_CONFIG` 指的文件。环境变量优先于文件：`TAIGAN_<节>_<名字>`，如 `TAIGAN_LOT_ANSWER_WITHIN=3`；只在一节里出现的名字可以不写节（`TAIGAN_ANSWER_WITHIN=3`）。列表在变量里的写法与文件里一样：`TAIGAN_HUB_RESEND_AFTER="[10, 20]"`。厂商和车场只能写在文件里。

文件是数据库的种子，之后以数据库为准：每次启动，新的厂商、车场、通道和密钥会收进去，通道的 `barrier` 以文件为准；操作员改过的其他各项不变。

配置错了，命令只说一句话，指出是哪一项，退出码 2。

| 退出码 | |
|---|---|
| 0 | 按要求结束 |
| 1 | 意料之外的错误；`taigan doctor`、`taigan barrier test` 等：结果是不好 |
| 2 | 配置或命令行不对 |
| 3 | 目录写不了，或数据库连不上 |
| 4 | 端口被占用 |
| 5 | 另一个进程正用着同样的文件 |
| 6 | 数据库比程序新 |
""",
        "top": "最外层",
        "columns": "| 名字 | 默认 | 是什么 |",
        "required": "必填",
    },
    "en": {
        "intro": """\
# Configuration

{made}

`taigan init` writes a `taigan.toml` with everything below in it. `taigan lot`, `taigan hub` and `taigan lanes` read
`./taigan.toml`, or the file named by `--config` or `TAIGAN_CONFIG`. A variable goes before the file:
`TAIGAN_<SECTION>_<NAME>`, such as `TAIGAN_LOT_ANSWER_WITHIN=3`; a name that stands in one section only needs no
section (`TAIGAN_ANSWER_WITHIN=3`). Lists are written in a variable as in the file:
`TAIGAN_HUB_RESEND_AFTER="[10, 20]"`. Vendors and lots come from the file only.

The file seeds the database, which is the truth from then on: at each start new vendors, lots, lanes and keys are
taken over, and a lane's `barrier` is what the file says; whatever else an operator changed stays.

A wrong setting stops the command with one sentence that names the key, and exit code 2.

| exit code | |
|---|---|
| 0 | ended when told to |
| 1 | something unexpected; of `taigan doctor`, `taigan barrier test` and the like: it is not well |
| 2 | wrong configuration or command line |
| 3 | a folder that cannot be written, a database that cannot be reached |
| 4 | a port that is taken |
| 5 | another process serves from the same files |
| 6 | a database from a newer version |
""",
        "top": "At the top",
        "columns": "| name | default | what it is |",
        "required": "required",
    },
}
TABLES: Mapping[str, type[msgspec.Struct]] = {
    **{f"[{name}]": kind for name, kind in sections().items()},
    "[[vendors]]": Vendor,
    "[[lots]]": Lot,
    "[[lots.lanes]]": Lane,
}
INNER: Mapping[type[msgspec.Struct], tuple[str, ...]] = {
    Settings: (*sections(), "vendors", "lots"),
    Lot: ("lanes",),
}
"""Fields that are tables of their own."""


def configuration_pages() -> Iterator[tuple[str, str]]:
    """The page's path inside docs/, and its text, in each language."""
    for suffix, language in LANGUAGES.items():
        words = WORDS[language]
        parts = [words["intro"].format(made=MADE), f"## {words['top']}\n\n{_table(Settings, language)}"]
        for title, kind in TABLES.items():
            parts.append(f"## `{title}`\n\n{_in(language, _sentence(kind))}\n\n{_table(kind, language)}")
        yield f"configuration{suffix}.md", "\n".join(parts)


def complaints() -> Iterator[str]:
    """What is said of a setting and not translated, and what is translated and said of none."""
    said = {_sentence(kind) for kind in TABLES.values()}
    kinds: list[type[msgspec.Struct]] = [Settings, *TABLES.values()]
    said.update(sentence for kind in kinds for _, sentence in _shown(kind))
    yield from (f"src/taigan/settings/chinese.py lacks: {sentence}" for sentence in sorted(said - set(SAID)))
    yield from (f"src/taigan/settings/chinese.py has what no setting says: {text}" for text in sorted(set(SAID) - said))


def _table(kind: type[msgspec.Struct], language: str) -> str:
    words = WORDS[language]
    rows = [words["columns"], "|---|---|---|"]
    for field, sentence in _shown(kind):
        default = default_of(field)
        shown = words["required"] if default is msgspec.NODEFAULT else f"`{toml(default)}`"
        rows.append(f"| `{field.name}` | {shown} | {_in(language, sentence).replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def _shown(kind: type[msgspec.Struct]) -> Iterator[tuple[msgspec.structs.FieldInfo, str]]:
    inner = INNER.get(kind, ())
    return ((field, sentence) for field, sentence in described(kind) if field.name not in inner)


def _sentence(kind: type[msgspec.Struct]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _in(language: str, sentence: str) -> str:
    return SAID.get(sentence, sentence) if language == "zh" else sentence
