"""Whoever is refused again and again waits; whoever is served does not."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from taigan.barriers.door import Door
from taigan.lot.messages.router import Answered
from taigan.strangers import AT_ONCE, LONGEST_WAIT, REMEMBERED, WAITING, Strangers
from web.house import LOT, TOKEN, Houses, StandingClock, client_of


class Waits:
    """Remembers how long was waited, and can hold everybody up."""

    def __init__(self) -> None:
        self.all: list[float] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, seconds: float) -> None:
        self.all.append(round(seconds, 3))
        await self.go_on.wait()


async def refuse(strangers: Strangers, times: int, address: str = "203.0.113.7") -> None:
    for _ in range(times):
        assert await strangers.refused(address, "api", "HTTP 401")


async def test_the_first_refusals_come_at_once_and_later_ones_take_twice_as_long_each() -> None:
    waits = Waits()
    await refuse(Strangers(StandingClock(), waits), AT_ONCE)
    assert waits.all == []
    await refuse(strangers := Strangers(StandingClock(), waits), AT_ONCE + 6)
    assert waits.all == [0.1, 0.2, 0.4, 0.8, LONGEST_WAIT, LONGEST_WAIT]
    await refuse(strangers, 1, "203.0.113.8")
    assert len(waits.all) == 6


async def test_refusals_are_forgotten_in_time() -> None:
    clock, waits = StandingClock(), Waits()
    strangers = Strangers(clock, waits)
    await refuse(strangers, AT_ONCE)
    clock.step(60)
    await refuse(strangers, AT_ONCE)
    assert waits.all == []
    await refuse(strangers, 1)
    assert waits.all == [0.1]


async def test_one_customer_s_ipv6_addresses_count_as_one_and_ipv4_ones_each_by_itself() -> None:
    waits = Waits()
    strangers = Strangers(StandingClock(), waits)
    for n in range(AT_ONCE + 1):
        await refuse(strangers, 1, f"2001:db8:1:2:{n:x}::1")
        await refuse(strangers, 1, f"203.0.113.{n}")
    assert waits.all == [0.1]


async def test_an_address_that_sends_many_at_once_is_hung_up_on() -> None:
    waits = Waits()
    strangers = Strangers(StandingClock(), waits)
    await refuse(strangers, AT_ONCE)
    waits.go_on.clear()
    held = [asyncio.create_task(strangers.refused("203.0.113.7", "api", "HTTP 401")) for _ in range(WAITING)]
    await asyncio.sleep(0)
    assert not await strangers.refused("203.0.113.7", "api", "HTTP 401")
    waits.go_on.set()
    assert all(await asyncio.gather(*held))


async def test_no_more_addresses_are_remembered_than_fit() -> None:
    strangers = Strangers(StandingClock(), Waits())
    for n in range(REMEMBERED + 10):
        await refuse(strangers, 1, f"10.0.{n // 256}.{n % 256}")
    assert len(strangers._known) == REMEMBERED


async def test_the_caller_s_address_is_logged_and_not_every_time() -> None:
    with structlog.testing.capture_logs() as logged:
        await refuse(Strangers(StandingClock(), Waits()), 9)
    assert [line["times"] for line in logged] == [1, 2, 4, 8]
    assert {line["peer"] for line in logged} == {"203.0.113.7"}


async def test_a_wrong_token_waits_and_the_right_one_from_the_same_address_does_not(houses: Houses) -> None:
    waits = Waits()
    house = await houses(sleep=waits)
    async with client_of(house, "a wrong one") as client:
        for _ in range(AT_ONCE + 2):
            assert (await client.get(f"/api/v1/lots/{LOT}")).status_code == 401
    assert waits.all == [0.1, 0.2]
    async with client_of(house, TOKEN) as client:
        assert (await client.get(f"/api/v1/lots/{LOT}")).status_code == 200
        assert (await client.get("/api/v1/lots/none")).status_code == 404
    assert waits.all == [0.1, 0.2]


@pytest.mark.parametrize(("status", "waited"), [(401, 1), (404, 1), (200, 0), (503, 0)])
async def test_a_callback_that_is_refused_waits(houses: Houses, status: int, waited: int) -> None:
    waits = Waits()
    house = await houses(sleep=waits)
    house.callbacks.answered = Answered(status, b'{"state":0}', service_name="", state=0)
    async with client_of(house, None) as client:
        for _ in range(AT_ONCE + 1):
            assert (await client.post("/bolink", content=b"{}")).status_code == status
    assert len(waits.all) == waited


async def test_an_unknown_device_waits(houses: Houses) -> None:
    waits = Waits()
    async with client_of(await houses(sleep=waits, devices=Door(StandingClock())), None) as client:
        for _ in range(AT_ONCE + 1):
            assert (await client.post("/devices/vzenith-http/unknown")).status_code == 404
    assert waits.all == [0.1]
