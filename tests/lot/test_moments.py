"""The table that says when the lot platform uses each interface names what truly does."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from support.lot.parking import parking
from taigan.bolink import CATALOGUE, by_section, by_service
from taigan.bolink.describing.interface import Direction
from taigan.interfaces import rows
from taigan.lot.moments import MOMENTS
from taigan.lot.platform import HANDLERS, UNSIGNED
from taigan.storage.database import Database


def named(where: str) -> Any:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(f"taigan.lot.{module}")
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("section", MOMENTS)
def test_what_is_named_is_there_and_uses_the_interface(section: str) -> None:
    interface, found = by_section(section), named(MOMENTS[section].where)
    if interface.direction is not Direction.DOWNLINK:
        source = inspect.getsource(found)
        assert f'"{section}"' in source or f".{interface.method}(" in source, "its code neither calls nor writes it"


async def test_who_handles_a_message_is_whoever_is_named(sqlite_database: Database) -> None:
    async with parking(sqlite_database) as street:
        for service_name, of in (*HANDLERS.items(), *UNSIGNED.items()):
            known = by_service(service_name)
            assert known is not None
            module, _, name = MOMENTS[known.section].where.partition(":")
            handler: Any = of(street.platform)
            handler = getattr(handler, "__wrapped__", handler)
            kind = handler if hasattr(handler, "__qualname__") else type(handler)
            assert (kind.__module__, kind.__qualname__.partition(".<locals>")[0]) == (f"taigan.lot.{module}", name)


def test_the_table_shows_them() -> None:
    shown = {row.section: row for row in rows()}
    assert shown["3.2"].where == "leaving.cars.gone.owe_exit"
    assert (shown["5.7"].lot, shown["5.7"].where) == ("handled", "messages.router.NoPlateEntries")
    assert all(row.where for row in shown.values() if row.lot == "handled")


def test_every_interface_has_its_moment() -> None:
    assert {interface.section for interface in CATALOGUE} == set(MOMENTS)


def test_every_uplink_is_asked_in_a_test_that_goes_through_both_sides() -> None:
    tests = Path(__file__).parents[1]
    files = [*(tests / "sides").glob("test_*.py"), *(tests / "journeys").glob("test_*.py")]
    told = "".join(path.read_text(encoding="utf-8") for path in files)
    uplinks = [one.section for one in CATALOGUE if one.direction is not Direction.DOWNLINK]
    assert [section for section in uplinks if f'"{section}"' not in told] == []
