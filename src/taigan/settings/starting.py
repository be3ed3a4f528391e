"""What `taigan init` writes: a configuration that runs on one machine as it is, with every setting explained twice.

Names, defaults and explanations are read from the settings themselves, so the file can't go stale.
"""

from __future__ import annotations

import enum
import json
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from taigan.settings.chinese import SAID
from taigan.settings.model import Lane, Lot, Settings, Vendor, described, sections

_HEAD = """\
抬杆的设置。像 `# name = value` 这样的一行写的是默认值：去掉 # 再改。环境变量优先于这个文件：
TAIGAN_LOT_PORT、TAIGAN_HUB_PUSH_TIMEOUT、TAIGAN_DATA_DIR。
照这样，`taigan hub`、`taigan lot`、`taigan lanes` 就在这台机器上一起跑。要接真泊链的车场：设 hub_url，填泊链给的
编号和密钥，写上车场的道闸；那时不需要 hub 和 lanes。

taigan's settings. A line like `# name = value` shows the default: take the # away and change the value.
A variable goes before this file: TAIGAN_LOT_PORT, TAIGAN_HUB_PUSH_TIMEOUT, TAIGAN_DATA_DIR.

As it stands, `taigan hub`, `taigan lot` and `taigan lanes` run together on this machine. For a lot at the real
BoLink set hub_url, enter the number and the key that BoLink gave you, and name the lot's barriers.
The hub and the lanes are not needed then.
"""


def starting_config(new_secret: Callable[[], str]) -> str:
    """The text of a `taigan.toml`. `new_secret` makes its key and tokens."""
    live: dict[type[msgspec.Struct], Mapping[str, Any]] = {
        sections()["lot"]: {"hub_url": "http://127.0.0.1:8802", "api_tokens": {"admin": new_secret()}},
        sections()["hub"]: {"admin_token": new_secret()},
        Vendor: {"union_id": 200002, "key": new_secret()},
        Lot: {"union_id": 200002, "park_id": "1001", "name": "一号停车场", "spaces": 200},
    }
    lanes: tuple[Mapping[str, Any], ...] = (
        {"channel_id": "A1", "direction": "entry", "barrier": {"driver": "simulated"}},
        {"channel_id": "B1", "direction": "exit", "barrier": {"driver": "simulated"}},
    )
    parts = [_comment(_HEAD.splitlines()), _keys(Settings, {"data_dir": "data"}, skip=tuple(_tables()))]
    for name, kind in sections().items():
        parts.append(f"{_explained(kind.__doc__)}[{name}]\n{_keys(kind, live.get(kind, {}))}")
    parts.append(f"{_explained(Vendor.__doc__)}[[vendors]]\n{_keys(Vendor, live[Vendor])}")
    parts.append(f"{_explained(Lot.__doc__)}[[lots]]\n{_keys(Lot, live[Lot], skip=('lanes',))}")
    parts.append(f"{_explained(Lane.__doc__)}[[lots.lanes]]\n{_keys(Lane, lanes[0])}")
    parts.extend(
        "[[lots.lanes]]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in lane.items()) for lane in lanes[1:]
    )
    return "\n".join(parts)


def _tables() -> list[str]:
    return [*sections(), "vendors", "lots"]


def _keys(kind: type[msgspec.Struct], live: Mapping[str, Any], skip: tuple[str, ...] = ()) -> str:
    lines = []
    for field, sentence in described(kind):
        if field.name in skip:
            continue
        if field.name in live:
            lines.append(f"{_explained(sentence)}{field.name} = {toml(live[field.name])}\n")
        else:
            lines.append(f"{_explained(sentence)}# {field.name} = {toml(default_of(field))}\n")
    return "".join(lines)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """The value a setting has when nothing is said; `msgspec.NODEFAULT` where something must be."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _explained(text: str | None) -> str:
    """What stands under a setting or a section, in Chinese and in English."""
    english = " ".join((text or "").split())
    return _comment([SAID[english], *textwrap.wrap(english, 116)])


def _comment(lines: Iterable[str]) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def toml(value: Any) -> str:
    """The value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case enum.Enum():
            return toml(value.value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return repr(value)
        case Mapping():
            inner = ", ".join(f"{name} = {toml(item)}" for name, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case tuple() | list():
            return f"[{', '.join(map(toml, value))}]"
    raise TypeError(f"no TOML for {value!r}")
