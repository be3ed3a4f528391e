"""The API's own description (OpenAPI) is true, and the documentation knows every path."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from web.house import TOKEN, House, served

DOCS = Path(__file__).parents[3] / "docs"
in_both_languages = pytest.mark.parametrize("page", ["api.md", "api.en.md"])

# Rules that a schema cannot state (free spaces up to the lot's own, a cursor of this very list) make
# positive_data_acceptance useless here; the framework's answer to OPTIONS names one route's methods only.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
)

NEEDS_MORE = "(events|poster|issuer|arrears|platforms|reports|pass_cards_of_bolink|passages/compared|community/report)$"
"""Streams, slow drawings, and what asks BoLink: without one it is rightly answered 502."""


async def described(api: httpx.AsyncClient) -> dict[str, Any]:
    answer = await api.get("/api/v1/openapi.json")
    said: dict[str, Any] = answer.json()
    return said


async def test_every_operation_has_a_name_of_its_own_a_sentence_and_its_errors(small_api: httpx.AsyncClient) -> None:
    operations = [op for path in (await described(small_api))["paths"].values() for op in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert {"listOrders", "getLane", "release", "retryDelivery"} <= set(names)
    for operation in operations:
        assert operation["description"].endswith("."), operation["operationId"]
        assert {"400", "401", "404", "503"} <= set(operation["responses"]), operation["operationId"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


@in_both_languages
async def test_the_documentation_shows_every_operation_with_an_example(small_api: httpx.AsyncClient, page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    shown = set(re.findall(r"^### `(\w+) (/\S+?)`", text, re.MULTILINE))
    for path, operations in (await described(small_api))["paths"].items():
        for method in operations:
            assert (method.upper(), path) in shown, f"{method.upper()} {path} is not in {page}"


@in_both_languages
async def test_the_documented_answers_have_the_fields_of_the_real_ones(small_api: httpx.AsyncClient, page: str) -> None:
    said = await described(small_api)
    schemas = said["components"]["schemas"]
    text = (DOCS / page).read_text(encoding="utf-8")
    sections = re.split(r"^##+ ", text, flags=re.MULTILINE)
    compared = 0
    for section in sections:
        heading = re.match(r"`(\w+) (/api/v1/lots\S*?)`", section)
        example = re.search(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        if heading and example:
            answers = said["paths"][heading[2]][heading[1].lower()]["responses"]
            answer = next(answers[status] for status in ("200", "201") if status in answers)
            compare(json.loads(example[1]), answer["content"]["application/json"]["schema"], schemas, heading[0])
            compared += 1
    assert compared > 15


def compare(example: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> None:
    """Every object of the example has exactly the fields its schema names."""
    schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(example, list):
        for item in example:
            compare(item, schema["items"], schemas, where)
    elif isinstance(example, dict) and "properties" in schema:
        assert set(example) == set(schema["properties"]), where
        for name, value in example.items():
            compare(value, schema["properties"][name], schemas, f"{where} {name}")


@in_both_languages
async def test_what_the_documentation_shows_exists(small_api: httpx.AsyncClient, page: str) -> None:
    paths = (await described(small_api))["paths"]
    text = (DOCS / page).read_text(encoding="utf-8")
    for method, path in re.findall(r"^### `(\w+) (/api/v1/lots\S*?)`", text, re.MULTILINE):
        assert method.lower() in paths[path], f"{method} {path} does not exist"


async def test_the_api_keeps_to_its_description_whatever_is_sent(small_house: House, tmp_path: Path) -> None:
    for n in range(3):
        await small_house.order(f"CAR{n}")
    async with served(small_house.app, small_house.events.stop) as port:
        tester = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {TOKEN}", "--exclude-path-regex", NEEDS_MORE),
            *("--checks", ",".join(CHECKS), "--phases", "fuzzing", "--max-examples", "4", "--seed", "7"),
            *("--generation-database", "none", "--no-color", "--continue-on-failure"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await tester.communicate()
    assert tester.returncode == 0, output.decode()[-6000:]
    tested = re.search(rb"Tested: (\d+)", output)
    assert tested is not None
    assert int(tested[1]) >= 60
