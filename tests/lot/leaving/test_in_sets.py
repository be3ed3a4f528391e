"""The exit's desk reads and writes in sets: many who ask, pay or leave at once take no more statements than few."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from lot.conftest import NewParking
from support.databases.statements import heard
from support.databases.states import emptied
from support.lot.barrier import Mode
from support.lot.exits import ask_price, at_exit, leaves, pay_at_exit, pay_inside, with_tariff
from support.lot.parking import BY, LANES, LOT_ID, SEES_ALL, Parking, lot_with
from support.telling import Tell
from taigan.barriers.barrier import EventKind, LaneKey
from taigan.lot.lanes.street import Seen
from taigan.lot.leaving.ahead import read_ahead
from taigan.lot.leaving.desk import PlateRead
from taigan.lot.leaving.room import Picture
from taigan.lot.people.beginning.importing import ImportInside, Inside
from taigan.lot.setup import LaneSetup
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.locked.sheet import Sheet

FEW, MANY = 2, 20
MORE = 6
"""Statements that many may take more than few, where they happen to be committed in one batch more."""
EXITS = [f"X{number}" for number in range(1, MANY + 1)]
LOT = lot_with(lanes=(*LANES, *(LaneSetup(channel_id=name, direction="exit", barrier=SEES_ALL) for name in EXITS)))
BY_KIND_OF_DAY = """
valid_from = 2020-01-01
[[rates]]
[[rates.sections]]
days = ["workday"]
steps = [{ per = 60, price = "5.00" }]
[[rates.sections]]
days = ["weekend", "holiday"]
steps = [{ per = 60, price = "2.00" }]
"""


class Queue:
    """Cars that have been inside for three hours, and an exit for each of them."""

    def __init__(self, street: Parking, plates: Sequence[str]) -> None:
        self.street = street
        self.plates = plates
        self.exits = EXITS[: len(plates)]
        self.cars: list[str] = []
        self.told: list[dict[str, Any]] = []
        for name in self.exits:
            street.barrier(name).mode = Mode.LOCKED  # acknowledges, and no test looks whom it lets go

    async def arrive(self) -> int:
        """They drive to the exits."""
        count, self.cars = await self._at_once([at_exit(self.street, "", name) for name in self.exits])
        return count

    async def are_read(self) -> int:
        """Their plates are read there."""
        desk = self.street.platform.leaving
        trios = zip(self.exits, self.plates, self.cars, strict=True)
        count, _ = await self._at_once([desk.read_plate(LaneKey(LOT_ID, name), *read) for name, *read in trios])
        return count

    async def ask(self, *, scene: int = 1) -> int:
        """Their drivers scan at the exits, or type their plates inside."""
        who = "licence" if scene else "car_number"
        count, self.told = await self._at_once(
            [
                ask_price(self.street, scene=scene, channel_id=name, **{who: plate})
                for name, plate in zip(self.exits, self.plates, strict=True)
            ]
        )
        assert [answer["price"] for answer in self.told] == ["6.00"] * len(self.exits)
        return count

    async def pay(self, *, inside: bool = False) -> int:
        """BoLink tells what they paid (5.5; inside: 5.3)."""
        count, answers = await self._at_once(
            [
                pay_inside(self.street, told, car_number=plate)
                if inside
                else pay_at_exit(self.street, told["order_id"], told["price"], out_channel_id=name)
                for name, plate, told in zip(self.exits, self.plates, self.told, strict=True)
            ]
        )
        assert [(status, answer["state"]) for status, answer in answers] == [(200, 1)] * len(self.exits)
        return count

    async def leave(self) -> int:
        """They drive out."""
        pairs = zip(self.exits, self.cars, strict=True)
        count, _ = await self._at_once([leaves(self.street, car, name) for name, car in pairs])
        return count

    async def left(self) -> None:
        """Each was let go once, and is out."""
        lifts = [(lift.purpose, lift.outcome) for lift in await self.street.lifts()]
        assert lifts == [("release", "accepted")] * len(self.exits)
        assert [order.state for order in await self.street.orders()] == ["out"] * len(self.exits)

    async def _at_once(self, work: Sequence[Coroutine[Any, Any, Any]]) -> tuple[int, list[Any]]:
        await self.street.platform.keyring.refresh()  # every 10 s somebody's question does
        with heard() as statements:
            found = await asyncio.gather(*work)
            await self.street.settled()
        return len(statements), found


async def queue(database: Database, new_parking: NewParking, count: int, tariff: str = "") -> Queue:
    street = await new_parking(on=await emptied(database), lots=[LOT])
    await (with_tariff(street, tariff) if tariff else with_tariff(street))
    plates = [f"浙A{number:05d}" for number in range(1, count + 1)]
    since = street.clock.now() - timedelta(hours=3, seconds=-1)
    cars = [Inside(plate, since) for plate in plates]
    await street.platform.leaving.do(ImportInside(lot_id=LOT_ID, cars=cars, by=BY))
    return Queue(street, plates)


def hardly_more(taken: dict[int, list[int]]) -> bool:
    return all(0 < many <= few + MORE for few, many in zip(taken[FEW], taken[MANY], strict=True))


async def test_whole_exits_of_many_take_the_statements_of_few(
    database: Database, new_parking: NewParking, tell: Tell
) -> None:
    taken = {}
    for number in (1, FEW, MANY):
        cars = await queue(database, new_parking, number)
        taken[number] = [await cars.arrive(), await cars.ask(), await cars.pay(), await cars.leave()]
        await cars.left()
    tell(f"{database.dialect}, statements to arrive, ask, pay, leave: {taken}")
    assert hardly_more(taken), taken


async def test_what_two_exits_report_together_takes_the_statements_of_three(
    database: Database, new_parking: NewParking
) -> None:
    desk = (await new_parking(lots=[LOT])).platform.leaving
    lanes = await database.read(lambda conn: Sheet(conn).find(facts.LANES, [(LOT_ID, name) for name in EXITS]))

    async def reported(number: int) -> int:
        seen: list[Seen] = [(lane, EventKind.DOWN, None) for lane in lanes[:number]]
        with heard() as statements:
            await database.write(lambda conn: desk.see(conn, facts.lock(conn, {LOT_ID}), seen))
        return sum(one.startswith("SELECT") for one in statements)

    assert await reported(2) == await reported(3) < 2 * await reported(1)


async def test_what_two_are_about_to_look_for_is_read_before_the_first_looks(street: Parking) -> None:
    lots = {LOT_ID: await street.lot()}
    two = [PlateRead(LaneKey(LOT_ID, "B1"), plate, Picture()) for plate in ("浙A00001", "浙A00002")]

    def is_read(conn: sa.Connection) -> bool:
        sheet = Sheet(conn)
        read_ahead(sheet, lots, two)
        return not sheet.is_blank

    assert await street.read(is_read)


async def test_plates_that_are_read_and_prices_paid_inside_take_the_statements_of_few(
    database: Database, new_parking: NewParking, tell: Tell
) -> None:
    taken = {}
    for number in (FEW, MANY):
        cars = await queue(database, new_parking, number)
        taken[number] = [await cars.ask(scene=0), await cars.pay(inside=True)]
        taken[number] += [await cars.arrive(), await cars.are_read(), await cars.leave()]
        await cars.left()
    tell(f"{database.dialect}, statements to ask and pay inside, arrive, be read, leave: {taken}")
    assert hardly_more(taken), taken


async def test_prices_by_the_kind_of_day_take_the_statements_of_few(
    database: Database, new_parking: NewParking, tell: Tell
) -> None:
    taken = {}
    for number in (FEW, MANY):
        cars = await queue(database, new_parking, number, BY_KIND_OF_DAY)
        await cars.arrive()
        taken[number] = [await cars.are_read(), await cars.ask()]
    tell(f"{database.dialect}, statements to be read and ask: {taken}")
    assert hardly_more(taken), taken
