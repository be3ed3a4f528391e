"""docs/adding-an-interface.md, done: two structs, one line and one fixture are all that an interface needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from taigan.bolink import AnyInterface, commands, example_of, open_envelope
from taigan.bolink.description import answer_fields, request_fields, row

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> dict[str, str]:
    """The code of a page by its title."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL))


@pytest.fixture(params=["adding-an-interface.md", "adding-an-interface.en.md"])
def code(request: pytest.FixtureRequest) -> dict[str, str]:
    return blocks(request.param)


@pytest.fixture
def interface(code: dict[str, str]) -> AnyInterface:
    """What the page writes into commands.py, built there."""
    module: dict[str, Any] = dict(vars(commands))
    exec(compile(code["src/taigan/bolink/commands.py"], "page", "exec"), module)
    built: AnyInterface = eval(code["src/taigan/bolink/commands.py, INTERFACES"], module)
    return built


def test_the_example_is_read_and_written(interface: AnyInterface, code: dict[str, str]) -> None:
    envelope = open_envelope(code["tests/bolink/fixtures/11.8.request.json"].encode())
    message = interface.read_request(envelope.text)
    assert envelope.service_name == interface.service_name
    assert interface.write(message) == envelope.text


def test_the_rest_comes_by_itself(interface: AnyInterface) -> None:
    filled = example_of(interface.request)
    assert interface.read_request(interface.write(filled)) == filled
    assert interface.read_answer(b'{"state":1}') is not None
    assert [field.name for field in request_fields(interface)][:3] == ["park_id", "union_id", "service_name"]
    assert [field.name for field in answer_fields(interface)] == ["state", "errmsg"]
    assert row(interface, handled=frozenset(), at_hub=frozenset()).lot == "unhandled"


def test_both_languages_show_the_same_code() -> None:
    assert blocks("adding-an-interface.md") == blocks("adding-an-interface.en.md")
