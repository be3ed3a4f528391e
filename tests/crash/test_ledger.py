"""Random stays through all ways of paying, with faults and kills: three processes' books end the same, to the fen.

`TAIGAN_TEST_STAYS` says how many; `make crash` takes ten thousand.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crash.paying import ASKING, FAULTS, MONTH, PASS_ENDS, PATIENCE, WAYS, PayingStreet, Stay
from crash.street import SPACES
from support.databases.postgres import new_databases
from support.telling import Tell
from taigan.lot.writing.checkpoints import Checkpoint

STAYS = int(os.environ.get("TAIGAN_TEST_STAYS", "12"))
ROUNDS = int(os.environ.get("TAIGAN_TEST_KILL_ROUNDS", "0"))
POINTS = (
    Checkpoint.DECIDED,
    Checkpoint.OUTCOME,
    Checkpoint.UPLOADED,
    Checkpoint.CHARGING,
    Checkpoint.CHARGED,
)
SEED = int(os.environ.get("TAIGAN_TEST_STAYS_FROM", "20260504"))
A_WAVE = 100
pytestmark = pytest.mark.timeout(300 + 2 * STAYS + 300 * ROUNDS)


@pytest.fixture(params=["sqlite", "postgresql"] if ROUNDS else ["postgresql"])
async def street(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PayingStreet]:
    async with AsyncExitStack() as opened:
        url = f"sqlite:///{tmp_path / 'lot.sqlite3'}"
        if request.param == "postgresql":
            new = await opened.enter_async_context(new_databases(request.getfixturevalue("postgres_url")))
            url = await new()
        under_fire = PayingStreet(tmp_path / "street", url, Random(SEED))
        await under_fire.open()
        yield under_fire
        await under_fire.close()


async def test_random_stays_with_faults_and_kills_end_with_the_same_money_in_every_book(
    street: PayingStreet, tell: Tell
) -> None:
    left = STAYS
    await with_faults(street)
    wave = 0
    while left:
        wave += 1
        now = min(left, A_WAVE)
        left -= now
        stays = await come_in(street, wave, now)
        await dying(street, asyncio.gather(*(street.enters(stay) for stay in stays)))
        await street.forward(street.chance.choice([60, 1200, 3000, 5400, 10000, 20000, 90000]))
        await dying(street, asyncio.gather(*(street.leaves(stay) for stay in stays)))
    await all_books_agree(street, tell)


async def test_killed_at_every_named_point_of_a_payment_a_pull_and_a_release_the_books_agree(
    street: PayingStreet, tell: Tell
) -> None:
    await with_faults(street)
    points = [*POINTS] * ROUNDS or [street.chance.choice(POINTS)]
    for wave, point in enumerate(points, 1):
        pulls = point in (Checkpoint.CHARGING, Checkpoint.CHARGED)
        stays = await come_in(street, wave, 20 if ROUNDS else 12, ("wallet", "scanner") if pulls else WAYS)
        await asyncio.gather(*(street.enters(stay) for stay in stays))
        await street.forward(street.chance.choice([1200, 3000, 5400, 10000, 20000]))
        await street.is_armed(point, street.chance.randint(1, 4))
        leaving = asyncio.gather(*(street.leaves(stay) for stay in stays))
        assert await street.dies_at(point, PATIENCE), f"{point} was never reached"
        await leaving
    await all_books_agree(street, tell)


async def with_faults(street: PayingStreet) -> None:
    assert await street.put("/admin/faults", "hub", faults=[fault | {"times": None} for fault in FAULTS]) == 200


async def all_books_agree(street: PayingStreet, tell: Tell) -> None:
    """Whatever is under way comes to its end, and the books are compared."""
    await street.settles()
    books = await Books.read(street)
    books.check()
    tell(f"{len(street.stays)} stays: {books.told()}; {street.taken_counts()}")


async def come_in(street: PayingStreet, wave: int, number: int, ways: Sequence[str] = WAYS) -> list[Stay]:
    """So many cars that will leave in one of these ways; the wallets among them are known to BoLink."""
    chance = street.chance
    first = ASKING if wave == 1 and ways is WAYS else ()
    stays = [
        Stay(
            chance.choice(street.lot_ids),
            f"京{wave % 26 + 65:c}{wave % 100:02d}{seat:03d}",
            first[seat] if seat < len(first) else chance.choice(ways),
        )
        for seat in range(number)
    ]
    street.stays.extend(stays)
    wallets: dict[str, list[str]] = defaultdict(list)
    for stay in stays:
        if "wallet" in stay.way:
            wallets[stay.lot_id].append(stay.plate)
    await street.wallets(wallets)
    return stays


async def dying(street: PayingStreet, work: asyncio.Future[Any]) -> None:
    """Kill something while the work goes on, in half of the cases."""
    part = street.chance.choice(["lot", "lot", "lot", "hub", "lanes", "", "", ""])
    if part:
        await asyncio.wait({work}, timeout=street.chance.uniform(0.2, 4))
        await street.dies(part)
    await work


class Books:
    """What the hub, the lot and the lanes say at the end."""

    def __init__(self, street: PayingStreet) -> None:
        self.street = street
        self.hub: dict[str, dict[str, Any]] = {}
        self.lot: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.lifts: dict[str, dict[str, Any]] = {}
        self.exits: dict[str, dict[str, Any]] = {}
        self.departures: list[dict[str, Any]] = []
        self.unreadable: set[str] = set()
        self.lots: list[dict[str, Any]] = []
        self.renewed: dict[str, dict[str, Any]] = {}  # what the hub was paid for passes, by the lot's number
        self.refunds: list[dict[str, Any]] = []
        self.errands: list[dict[str, Any]] = []
        self.cards: dict[tuple[str, str], dict[str, Any]] = {}

    @classmethod
    async def read(cls, street: PayingStreet) -> Books:
        books = cls(street)
        for lot_id in street.lot_ids:
            path = f"/api/v1/lots/{lot_id}"
            books.lots.append(await street.get(path))
            for payment in await street.items("/admin/payments", lot_id=lot_id):
                of = books.renewed if payment["purpose"] == "pass" else books.hub
                of[payment["trade_no"]] = payment
            books.refunds += await street.items("/admin/records/refunds", lot_id=lot_id)
            books.errands += await street.items(f"{path}/errands")
            for card in await street.items(f"{path}/pass_cards"):
                books.cards[lot_id, card["card_id"]] = card
            for payment in await street.items(f"{path}/payments"):
                books.lot[payment["payment_id"]] = payment
            for payment in await street.items(f"{path}/strays"):
                if payment["state"] == "unreadable":  # a person is told of it, and reads its text
                    books.unreadable.add(payment["trade_no"])
            for order in await street.items(f"{path}/orders"):
                if order["state"] != "void":
                    order["bill"] = await street.get(f"{path}/orders/{order['order_id']}/bill")
                books.orders[order["order_id"]] = order
            books.departures += await street.items(f"{path}/departures")
            for lift in await street.items(f"{path}/lifts"):
                books.lifts[lift["lift_id"]] = lift
            for exit_ in await street.items("/admin/exits", lot_id=lot_id):
                books.exits[exit_["order_id"]] = exit_
        return books

    def check(self) -> None:
        """Raises AssertionError with the first thing that does not agree."""
        self._stays()
        self._money()
        self._bills()
        self._refunds()
        self._renewals()
        self._arms()
        for lot in self.lots:
            assert lot["spaces_free"] == SPACES, f"{lot['lot_id']}: {lot['spaces_free']}"

    def _stays(self) -> None:
        for stay in self.street.stays:
            order = self.orders[stay.order_id]
            assert order["state"] == "out", f"{stay} drove out, but {order}"
            if order["bill"]["balance_fen"] <= 0:
                assert stay.order_id in self.exits, f"{stay}: BoLink does not know that it left"
        open_ = [order for order in self.orders.values() if order["state"] not in ("out", "void")]
        assert not open_, open_

    def _money(self) -> None:
        theirs = {number: one for number, one in self.hub.items() if one["state"] == "paid"}
        self._pulls_without_number(theirs)
        ours = {
            one["trade_no"]: one for one in self.lot.values() if one["giver"] == "bolink" and one["state"] == "paid"
        }
        lost = theirs.keys() - ours.keys() - self.unreadable
        assert not lost, f"paid at BoLink, not here: {[theirs[number] for number in lost]}"
        more = ours.keys() - theirs.keys()
        assert not more, f"paid here, not at BoLink: {[ours[number] for number in more]}"
        for number in theirs.keys() & ours.keys():
            assert theirs[number]["fen"] == ours[number]["fen"], f"{theirs[number]} is here {ours[number]}"
        by_order: Counter[str] = Counter()
        for one in self.lot.values():
            if one["giver"] == "cash" and one["state"] == "paid":
                by_order[one["order_id"]] += one["fen"]
        for stay in self.street.stays:
            booked = by_order.pop(stay.order_id, 0)
            if stay.cash_in_doubt == 0:
                assert booked == sum(stay.cash), f"{stay}: the booth took {sum(stay.cash)}, booked is {booked}"
            else:
                assert booked >= sum(stay.cash)
        assert not by_order, f"cash that nobody gave: {by_order}"

    def _pulls_without_number(self, theirs: dict[str, dict[str, Any]]) -> None:
        """A pull that was paid is known by our own number until BoLink names its own: order, way and amount are its."""
        ours = {one["trade_no"] for one in self.lot.values() if one["giver"] == "bolink"}
        for one in self.lot.values():
            if one["giver"] != "us" or one["state"] != "paid":
                continue
            what = (one["order_id"], one["way"], one["fen"])
            fits = [
                number
                for number, their in theirs.items()
                if number not in ours and (their["order_id"], their["pay_type"], their["fen"]) == what
            ]
            assert len(fits) == 1, f"a pull of ours that BoLink does not know: {one}"
            del theirs[fits[0]]
            self.street.counts["pulls without BoLink's number"] += 1

    def _bills(self) -> None:
        paid: Counter[str] = Counter()
        for one in self.lot.values():
            if one["state"] == "paid":
                paid[one["order_id"]] += one["fen"]
        for order_id, order in self.orders.items():
            if order["state"] == "void":
                continue
            bill = order["bill"]
            rest = bill["reduced_fen"] + bill["paid_fen"] - bill["refunded_fen"] + bill["balance_fen"]
            assert bill["charge_fen"] == rest, f"{order}: {bill}"
            assert bill["paid_fen"] == paid[order_id], f"{order} was paid {paid[order_id]}, its bill says {bill}"
            assert not bill["awaited"], f"{order} is awaited"

    def _refunds(self) -> None:
        """Of each payment BoLink gave back once at most, and what it gave is what the bill says."""
        asked = Counter(one["detail"]["trade_no"] for one in self.refunds)
        assert not asked or max(asked.values()) == 1, f"sent twice: {asked}"
        order_of = {one["trade_no"]: one["order_id"] for one in self.lot.values() if one["giver"] == "bolink"}
        given: Counter[str] = Counter()
        for one in self.refunds:
            if one["state"] == "done":
                given[order_of[one["detail"]["trade_no"]]] += one["fen"]
        for order_id, order in self.orders.items():
            if order["state"] != "void":
                assert order["bill"]["refunded_fen"] == given[order_id], f"{order}: {given[order_id]} given back"

    def _renewals(self) -> None:
        """A pass is longer by a month if, and only if, BoLink was paid for it; each number was sent once."""
        errands = {one["number"]: one for one in self.errands if one["section"] == "3.3"}
        paid = {errands[number]["about"] for number, one in self.renewed.items() if one["state"] == "paid"}
        assert all(one["fen"] == MONTH for one in self.renewed.values())
        for (lot_id, card_id), card in self.cards.items():
            ends = datetime.fromisoformat(card["ends_at"])
            longer = ends > datetime.fromisoformat(PASS_ENDS)
            assert longer == (card_id in paid), f"{lot_id} {card}: paid for {sorted(paid)}"

    def _arms(self) -> None:
        risen: Counter[str] = Counter()
        for line in (self.street.folder / "lanes.jsonl").read_text().splitlines():
            if '"arm":"rising"' in line:
                risen[json.loads(line).get("command", "")] += 1
        risen.pop("", None)  # by the handset
        for lift_id, times in risen.items():
            assert times == 1, f"{lift_id} raised the arm {times} times"
            assert lift_id in self.lifts, f"the arm rose for {lift_id}, of which there is no row"
        raised = Counter(
            lift["presence_id"]
            for lift_id, lift in self.lifts.items()
            if lift["cause"] == "released" and lift_id in risen
        )
        let_go = {one["presence_id"] for one in self.departures if one["released_at"]}
        for presence_id, times in raised.items():
            assert presence_id in let_go, f"the arm rose for {presence_id}, which was not let go"
            assert times == 1, f"{presence_id} was let go once, the arm rose {times} times"

    def told(self) -> str:
        paid = [one["fen"] for one in self.lot.values() if one["state"] == "paid"]
        ways = Counter(one["way"] for one in self.lot.values() if one["state"] == "paid")
        owed = sum(max(0, order["bill"]["balance_fen"]) for order in self.orders.values() if order["state"] == "out")
        back = sum(one["fen"] for one in self.refunds if one["state"] == "done")
        months = sum(one["state"] == "paid" for one in self.renewed.values())
        more = f"{back} fen given back, {months} passes renewed"
        return f"{more}, {len(paid)} payments of {sum(paid)} fen {dict(ways)}, {owed} fen owed, {len(self.lifts)} lifts"
