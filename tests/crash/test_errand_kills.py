"""Killed at every await of a refund, a person's or a surplus's own, and of a renewal: nothing is sent twice, and the
books agree with BoLink's.

`TAIGAN_TEST_KILL_ROUNDS` says how often each point is tried; without it one of each is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from crash.paying import BY, PATIENCE, PayingStreet, Stay
from crash.street import UNION_ID
from support.databases.postgres import new_databases
from support.stacks.stack import eventually
from support.telling import Tell
from taigan.lot.writing.checkpoints import Checkpoint

ROUNDS = int(os.environ.get("TAIGAN_TEST_KILL_ROUNDS", "0"))
SEED = int(os.environ.get("TAIGAN_TEST_STAYS_FROM", "20260504"))
POINTS = (Checkpoint.ASKED, Checkpoint.ANSWERED, Checkpoint.RECORDED)
TOLD = Checkpoint.DECIDED
"""BoLink's word of what became of it is committed, BoLink was not answered."""
LOT = f"{UNION_ID}-11"
HERE = f"/api/v1/lots/{LOT}"
MONTH = 30000
pytestmark = pytest.mark.timeout(300 + 600 * ROUNDS)


class OneLot(PayingStreet):
    """One lot, where refunds of more than a yuan take a second person, and surplus asks for its own."""

    lot_ids = (LOT,)
    channels: Mapping[str, str] = {"A1": "entry", "B1": "exit"}

    @property
    def rules(self) -> str:  # type: ignore[override]
        return f'refund_alone_fen = 100\nrefund_surplus = "auto"\nnotify_url = "{self.url("lot", "/bolink")}"'

    async def records(self, kind: str) -> list[dict[str, Any]]:
        """What BoLink's side holds."""
        return await self.items(f"/admin/records/{kind}")

    async def moves(self, record: dict[str, Any], state: str) -> None:
        """A person at BoLink moves a record on; the lot is told."""
        await self.surely("POST", f"/admin/records/{record['id']}/state", "hub", state=state)

    async def errand(self, section: str, about: str) -> dict[str, Any]:
        """The one errand of that kind about something."""
        (found,) = [one for one in await self.items(f"{HERE}/errands", section=section) if one["about"] == about]
        return found

    async def rests(self, section: str, about: str) -> dict[str, Any]:
        """The errand once it is not being asked any more, whoever had to notice."""
        await self.forward(60)

        async def rests() -> bool:
            return (await self.errand(section, about))["state"] not in ("wanted", "asked")

        await eventually(rests, PATIENCE)
        return await self.errand(section, about)

    async def comes_to(self, section: str, about: str, *states: str) -> None:
        """Wait for BoLink's word on it."""

        async def came() -> bool:
            return (await self.errand(section, about))["state"] in states

        await eventually(came, PATIENCE)

    async def rearmed(self, point: Checkpoint | None) -> None:
        """The lot platform starts anew, to die at this point."""
        await self.dies("lot", f"{point}:1" if point is not None else "")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"] if ROUNDS else ["sqlite"])
async def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OneLot]:
    tmp_path = tmp_path_factory.mktemp("errands")
    async with AsyncExitStack() as opened:
        url = f"sqlite:///{tmp_path / 'lot.sqlite3'}"
        if request.param == "postgresql":
            new = await opened.enter_async_context(new_databases(request.getfixturevalue("postgres_url")))
            url = await new()
        one = OneLot(tmp_path / "street", url, Random(SEED))
        await one.open()
        yield one
        await one.close()


async def test_killed_in_a_refund_it_is_never_sent_twice_and_both_books_have_the_same(
    street: OneLot, tell: Tell
) -> None:
    points = [*POINTS, TOLD] * ROUNDS or [street.chance.choice(POINTS)]
    for number, point in enumerate(points):
        await _refund(street, number, point)
    tell(f"{len(points)} refunds: {street.taken_counts()}")


async def _refund(street: OneLot, number: int, point: Checkpoint) -> None:
    await street.put("/admin/faults", "hub", faults=[])  # a refund that was never sent leaves its fault unused
    payment = await _paid(street, Stay(LOT, f"京R{number:05d}", "inside"))
    about, fen = payment["payment_id"], street.chance.choice([100, 150])
    slow = point is TOLD or street.chance.random() < 0.5
    await street.put("/admin/faults", "hub", faults=[{"kind": "payment_pending", "times": 1}] if slow else [])
    before = len(await street.records("refunds"))
    if point is not TOLD:
        await street.rearmed(point)
    await street.said("POST", f"{HERE}/payments/{about}/refund", fen=fen, **BY)
    if fen > 100:  # takes a second person
        wanted = await street.errand("4.2", about)
        second = {"operator": "李强", "reason": "checked"}
        await street.said("POST", f"{HERE}/errands/{wanted['errand_id']}/approve", **second)
    if point is not TOLD:
        assert await street.dies_at(point, PATIENCE), f"{point} was never reached"
    await _agrees(street, point, payment, before)


async def test_killed_in_the_refund_that_a_surplus_asks_for_by_itself_it_is_never_sent_twice(
    street: OneLot, tell: Tell
) -> None:
    points = [*POINTS] * ROUNDS or [street.chance.choice(POINTS)]
    for number, point in enumerate(points):
        await _surplus(street, number, point)
    tell(f"{len(points)} refunds of surplus: {street.taken_counts()}")


async def _surplus(street: OneLot, number: int, point: Checkpoint) -> None:
    await street.put("/admin/faults", "hub", faults=[])
    stay = Stay(LOT, f"京S{number:05d}", "paid too much")
    payment = await _paid(street, stay, more=100)
    slow = street.chance.random() < 0.5
    await street.put("/admin/faults", "hub", faults=[{"kind": "payment_pending", "times": 1}] if slow else [])
    before = len(await street.records("refunds"))
    await street.rearmed(point)
    leaving = asyncio.create_task(street.leaves(stay))
    assert await street.dies_at(point, PATIENCE), f"{point} was never reached"
    await leaving
    await _agrees(street, point, payment, before)


async def _agrees(street: OneLot, point: Checkpoint, payment: dict[str, Any], before: int) -> None:
    """The refund comes to its end, and what it gave is the same in both books; `before`: how many there were."""
    about = payment["payment_id"]
    errand = await street.rests("4.2", about)
    sent = (await street.records("refunds"))[: len(await street.records("refunds")) - before]
    assert len(sent) == (0 if point is Checkpoint.ASKED else 1), f"{point}: {sent}"
    if not sent:
        assert errand["state"] == "unclear"
        await street.surely("POST", f"{HERE}/errands/{errand['errand_id']}/settle", state="failed", **BY)
    elif sent[0]["state"] == "pending":
        if point is TOLD:
            await street.rearmed(TOLD)
        await street.moves(sent[0], street.chance.choice(["done", "failed"]))
        if point is TOLD:
            assert await street.dies_at(TOLD, PATIENCE), "BoLink's word was never committed"
        await street.comes_to("4.2", about, "done", "failed")
    elif errand["state"] == "unclear":  # a person looks at BoLink's own pages
        await street.surely("POST", f"{HERE}/errands/{errand['errand_id']}/settle", state="done", **BY)
    assert len(await street.records("refunds")) - before == len(sent), "sent again"
    theirs = sum(
        one["fen"]
        for one in await street.records("refunds")
        if one["id"] in {x["id"] for x in sent} and one["state"] == "done"
    )
    bill = await street.get(f"{HERE}/orders/{payment['order_id']}/bill")
    assert bill["refunded_fen"] == theirs, f"{point}: {errand} {sent}"
    street.counts[f"{point}, {'given' if theirs else 'not given'}"] += 1


async def _paid(street: OneLot, stay: Stay, *, more: int = 0) -> dict[str, Any]:
    """A payment of a car that came in, paid, so much more than it had to, and is still there."""
    await street.enters(stay)
    await street.forward(3600)
    await street._pays(stay, "", of=more)

    async def booked() -> list[dict[str, Any]]:
        return [one for one in await street.items(f"{HERE}/payments") if one["order_id"] == stay.order_id]

    await eventually(booked, PATIENCE)
    return (await booked())[0]


async def test_killed_in_a_renewal_the_pass_is_lengthened_once_if_it_was_paid_and_never_else(
    street: OneLot, tell: Tell
) -> None:
    await street.surely("PUT", f"{HERE}/pass_terms", terms=[{"months": 1, "fen": MONTH}], **BY)
    points = [*POINTS, TOLD] * ROUNDS or [street.chance.choice([*POINTS, TOLD])]
    for number, point in enumerate(points):
        await _renewal(street, number, point)
    tell(f"{len(points)} renewals: {street.taken_counts()}")


async def _renewal(street: OneLot, number: int, point: Checkpoint) -> None:
    card_id = f"K{number}"
    starts = datetime.now(UTC) + timedelta(seconds=street.ahead)
    card = {"card_id": card_id, "holder": "", "plates": [f"京P{number:05d}"], "starts_at": starts.isoformat()}
    await street.surely(
        "POST", f"{HERE}/pass_cards", **card, ends_at=datetime(2027, 5, 15, tzinfo=UTC).isoformat(), **BY
    )
    if point is not TOLD:
        await street.rearmed(point)
    await street.said("POST", f"{HERE}/pass_cards/{card_id}/renewal", months=1, **BY)
    if point is not TOLD:
        assert await street.dies_at(point, PATIENCE), f"{point} was never reached"
    errand = await street.rests("3.3", card_id)
    sent = [one for one in await street.records("payments") if one["number"] == errand["number"]]
    assert len(sent) == (0 if point is Checkpoint.ASKED else 1), f"{point}: {sent}"
    paid = False
    if not sent:
        assert errand["state"] == "unclear"
    else:
        if point is TOLD:
            await street.rearmed(TOLD)
        paid = point is TOLD or street.chance.random() < 0.7
        await street.moves(sent[0], "paid" if paid else "failed")
        if point is TOLD:
            assert await street.dies_at(TOLD, PATIENCE), "BoLink's word was never committed"
        await street.comes_to("3.3", card_id, "done", "failed")
        await eventually(street._all_is_told, PATIENCE)
    (kept,) = [one for one in await street.items(f"{HERE}/pass_cards") if one["card_id"] == card_id]
    assert kept["ends_at"][:7] == ("2027-06" if paid else "2027-05"), f"{point}: {errand} {kept}"
    street.counts[f"{point}, {'paid' if paid else 'not paid'}"] += 1
