"""Writes the pages of docs/ that are read off the code; with --check, fails if one of them is stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from interface_pages import interface_pages

from taigan.settings import Lane, Lot, Settings, Vendor, described, sections
from taigan.starting_config import default_of, toml

DOCS = Path(__file__).resolve().parent.parent / "docs"

CONFIGURATION = """\
# 配置 Configuration

<!-- Made by tools/generate_docs.py from the settings in src/taigan/settings.py. Do not edit. -->

`taigan init` writes a `taigan.toml` with everything below in it. `taigan lot`, `taigan hub` and `taigan lanes` read
`./taigan.toml`, or the file named by `--config` or `TAIGAN_CONFIG`. A variable goes before the file:
`TAIGAN_<SECTION>_<NAME>`, such as `TAIGAN_LOT_ANSWER_WITHIN=3`; a name that stands in one section only needs no section
(`TAIGAN_ANSWER_WITHIN=3`). Lists are written in a variable as in the file: `TAIGAN_HUB_RESEND_AFTER="[10, 20]"`.
Vendors and lots come from the file only.

The file seeds the database, which is the truth from then on: new vendors, lots, lanes and keys are taken over at
each start, and so are the barriers; what an operator changed stays.

A wrong setting stops the command with one sentence that names the key, and exit code 2.

| 退出码 exit code | |
|---|---|
| 0 | ended when told to |
| 1 | something unexpected |
| 2 | wrong configuration or command line |
| 3 | a folder that cannot be written, a database that cannot be reached |
| 4 | a port that is taken |
| 5 | another process serves from the same files |
| 6 | a database from a newer version |
"""


def configuration() -> str:
    """docs/configuration.md."""
    parts = [CONFIGURATION]
    tables = (*sections(), "vendors", "lots")
    parts.append(f"## At the top\n\n{_table(Settings, skip=tables)}")
    titles = {name: f"[{name}]" for name in sections()}
    parts.extend(f"## `{titles[name]}`\n\n{_said(kind)}\n\n{_table(kind)}" for name, kind in sections().items())
    for title, kind in (("[[vendors]]", Vendor), ("[[lots]]", Lot), ("[[lots.lanes]]", Lane)):
        parts.append(f"## `{title}`\n\n{_said(kind)}\n\n{_table(kind, skip=('lanes',))}")
    return "\n".join(parts)


def _said(kind: type[msgspec.Struct]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _table(kind: type[msgspec.Struct], skip: tuple[str, ...] = ()) -> str:
    rows = ["| name | default | what it is |", "|---|---|---|"]
    for field, sentence in described(kind):
        if field.name not in skip:
            default = default_of(field)
            shown = "required" if default is msgspec.NODEFAULT else f"`{toml(default)}`"
            rows.append(f"| `{field.name}` | {shown} | {sentence.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that is made, with its text."""
    yield DOCS / "configuration.md", configuration()
    for name, text in interface_pages():
        yield DOCS / name, text


def main() -> int:
    stale = [(path, text) for path, text in pages() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path, _ in stale:
            print(f"{path.relative_to(DOCS.parent)} is stale: run tools/generate_docs.py", file=sys.stderr)  # noqa: T201
        return bool(stale)
    for path, text in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
