"""Templates are compiled once, beside the event loop, and never for a page that somebody waits for."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import jinja2.ext
import pytest

from taigan.languages import Languages
from taigan.templates import Templates

COMPILED: list[tuple[str, int]] = []
"""Which template was compiled, and by which thread."""
CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "你好"
msgstr "Hello"
"""
_numbers = itertools.count()
Package = Callable[..., str]


class Noting(jinja2.ext.Extension):
    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        COMPILED.append((name or "", threading.get_ident()))
        return source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Makes a package with these templates, which Python has compiled once."""
    COMPILED.clear()
    monkeypatch.syspath_prepend(tmp_path)

    def made(*, keeps_compiled: bool = True, **templates: str) -> str:
        name = f"pages_{next(_numbers)}"
        texts = tmp_path / name / "locale" / "en" / "LC_MESSAGES"
        texts.mkdir(parents=True)
        texts.joinpath(f"{name}.po").write_text(CATALOGUE)
        (tmp_path / name / "templates").mkdir()
        (tmp_path / name / "__init__.py").touch()
        for template, text in templates.items():
            (tmp_path / name / "templates" / f"{template}.html").write_text(text)
        kept = tmp_path / name / "__pycache__"
        if keeps_compiled:
            kept.mkdir()
        else:
            kept.touch()  # no folder
        return name

    return made


def templates_of(package: str) -> Templates:
    return Templates(package, Languages(package), f"{__name__}.Noting")


async def test_they_are_compiled_in_another_thread_and_none_is_left_for_later(package: Package) -> None:
    templates = templates_of(package(first="{% include 'piece.html' %}", piece="{{ _('你好') }}"))
    assert COMPILED == []
    await templates.ready()
    compiled = list(COMPILED)
    assert {name for name, _ in compiled} == {"first.html", "piece.html"}
    assert threading.get_ident() not in {thread for _, thread in compiled}
    assert templates.get("zh-CN", "first.html").render() == "你好"
    assert templates.get("en", "first.html").render() == "Hello"
    assert compiled == COMPILED


async def test_a_page_before_they_are_ready_is_an_error_and_compiles_nothing(package: Package) -> None:
    templates = templates_of(package(first="1"))
    with pytest.raises(KeyError):
        templates.get("zh-CN", "first.html")
    assert COMPILED == []


async def test_the_next_process_finds_them_compiled(package: Package) -> None:
    name = package(first="{{ _('你好') }}")
    await templates_of(name).ready()
    COMPILED.clear()
    again = templates_of(name)
    await again.ready()
    assert COMPILED == []
    assert again.get("en", "first.html").render() == "Hello"


async def test_where_nothing_may_be_kept_they_are_compiled_by_each_process(package: Package) -> None:
    name = package(keeps_compiled=False, first="{{ _('你好') }}")
    for _ in range(2):
        COMPILED.clear()
        templates = templates_of(name)
        await templates.ready()
        assert COMPILED != []
        assert templates.get("en", "first.html").render() == "Hello"


async def test_what_is_kept_holds_no_word_of_one_language_or_of_an_older_filter(package: Package) -> None:
    name = package(first="{{ 'in'|word }}")
    for edition in ("", "2"):
        templates = templates_of(name)
        templates.add("zh-CN", filters={"word": lambda word, e=edition: f"{word} 场内{e}"}, values={})
        templates.add("en", filters={"word": lambda word, e=edition: f"{word} inside{e}"}, values={})
        await templates.ready()
        assert templates.get("zh-CN", "first.html").render() == f"in 场内{edition}"
        assert templates.get("en", "first.html").render() == f"in inside{edition}"
