"""What benchmarks send and write fits what the platform reads and keeps: nobody runs them at every change."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import httpx
import pytest

from support.clock import PATIENCE
from taigan import bolink
from taigan.bolink.chapters.callbacks import PriceQuery
from taigan.bolink.money import payment_told
from taigan.storage import tables as t

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from benchmarks import bare, books, load, scene, seeding  # noqa: E402

INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")
CAR = scene.Car("007", "B3", "00000AF")


def signed(body: bytes) -> bytes:
    envelope = bolink.open_envelope(body, "")
    assert bolink.verify(envelope.text, envelope.sign, scene.KEY) is not None
    return envelope.text


async def test_the_route_with_nothing_behind_it_answers_what_is_signed() -> None:
    transport = httpx.ASGITransport(bare.app())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
        answer = await client.post("/bolink", content=scene.prices([CAR], ["Q1"])[0])
    assert (answer.status_code, answer.content) == (200, bare.ANSWER)


@pytest.mark.parametrize("rate", [0, 500])
async def test_a_load_that_loses_every_connection_ends_and_says_so(rate: float) -> None:
    def shut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(shut, "127.0.0.1", 0) as server, asyncio.timeout(PATIENCE):
        sending = load.Load("127.0.0.1", server.sockets[0].getsockname()[1])
        await sending.open(3)
        told = await sending.run([b"{}"] * 10, rate)
    assert sum(told["answers"].values()) == 10
    assert "done" not in told["answers"]


def test_a_price_is_asked_as_the_document_asks_it() -> None:
    asked = bolink.read(signed(scene.prices([CAR], ["Q1"])[0]), PriceQuery)
    assert (asked.pay_scene, asked.out_channel_id, asked.licence, asked.query_order_no) == (1, "B3", "00000AF", "Q1")


def test_a_price_that_was_told_is_paid_in_full_for_its_order() -> None:
    told = payment_told("5.5", signed(scene.payments([scene.Asked(CAR, "order-1", "2.00")])[0]))
    assert (told.order_id, told.fen, told.state, told.way, told.channel_id) == ("order-1", 200, 1, "scancode", "B3")


def test_a_car_leaves_by_the_exit_of_its_entrys_number() -> None:
    assert scene.at_exit(CAR._replace(channel_id="A3")) == CAR


SCRIPTS = {script.stem: script.read_text("utf-8") for script in sorted((ROOT / "benchmarks/sql").glob("*.sql"))}
WRITTEN = SCRIPTS | {
    f"{state} {table}": "".join(f"INSERT INTO {table} {select};" for select in selects)
    for state, rows in (
        ("closed", seeding.closed_rows(10, 10)),
        ("inside", seeding.inside_rows(10)),
        ("office", seeding.office_rows("1-1", 10, 10)),
    )
    for table, selects in rows.items()
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_rows_of_benchmarks_have_every_column_that_must_be_given_and_none_that_is_gone(text: str) -> None:
    for table, listed in INSERT.findall(text):
        given = {name.strip() for name in listed.split(",")}
        columns = t.metadata.tables[table].columns
        assert given <= set(columns.keys())
        assert not [c.name for c in columns if not (c.nullable or c.server_default or c.name in given or serial(c))]


def serial(column: object) -> bool:
    return getattr(column, "primary_key", False) and getattr(column, "type", None) is t.Serial


def test_every_script_of_pgbench_writes_something() -> None:
    assert all(INSERT.search(text) for text in SCRIPTS.values())


async def test_a_nights_books_are_held_against_bolink_and_its_passes_taken_over(tmp_path: Path) -> None:
    found = await books.measured(f"sqlite:///{tmp_path / 'lot.sqlite3'}", 30, 20, 5)
    assert {name: one["rows"] for name, one in found.items()} == {
        "4.1, ours": 30,
        "4.1, row by row": 30,  # whole pages
        "10.6, ours, at first": 20,
        "10.6, ours, again": 20,
        "10.6, card by card": 5,
    }
