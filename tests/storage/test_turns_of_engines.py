"""Where tests take turns, each row of a table runs on one engine, and each test of some folders; all else on both."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from support.databases.engines import ENGINES, of_the_other_engine


class Item(SimpleNamespace):
    """What is looked at of a collected test."""

    __hash__ = object.__hash__


def collected(*tables: Iterable[str], folder: str = "lot") -> list[Item]:
    """A test on each engine, for each row of a table or each pair of rows of crossed ones."""
    return [
        Item(
            nodeid=f"tests/{folder}/test_it.py::test_it[{'-'.join(case)}]",
            path=Path("tests", folder, "test_it.py"),
            callspec=SimpleNamespace(id="-".join(case), params=dict(enumerate(case))),
        )
        for case in itertools.product(ENGINES, *tables)
    ]


def left_out(items: list[Item]) -> set[Item]:
    return cast("set[Item]", of_the_other_engine(cast("list[pytest.Item]", items)))


def ran(items: list[Item]) -> list[str]:
    return [item.callspec.id for item in items if item not in left_out(items)]


def test_each_row_of_a_table_runs_on_one_engine_and_half_of_them_on_each() -> None:
    cases = ran(collected("abcdefgh"))
    assert sorted(case[-1] for case in cases) == list("abcdefgh")
    assert sum(case.startswith("sqlite") for case in cases) == 4


def test_of_crossed_tables_each_row_meets_both_engines() -> None:
    cases = [case.partition("-") for case in ran(collected("abcd", "xy"))]
    assert len(cases) == 8
    for row in "abcdxy":
        assert {engine for engine, _, rows in cases if row in rows} == set(ENGINES), row


def test_of_a_folder_whose_tests_take_turns_each_runs_on_one_engine_and_half_of_them_on_each() -> None:
    files = [Path("tests", "lot", "leaving", name) for name in ("test_one.py", "test_two.py")]
    tests = [
        Item(
            nodeid=f"{file}::test_{number}[{engine}]",
            path=file,
            callspec=SimpleNamespace(id=engine, params={"engine": engine}),
        )
        for file in files
        for number in range(8)
        for engine in ENGINES
    ]
    for file in files:
        left = [item for item in tests if item.path == file and item not in left_out(tests)]
        assert len({item.nodeid.partition("[")[0] for item in left}) == len(left) == 8
        assert sum(item.callspec.id == "sqlite" for item in left) == 4


@pytest.mark.parametrize(
    "items",
    [
        collected(),
        collected("a"),
        collected("ab", folder="storage"),
        [Item(nodeid="tests/lot/test_it.py::test_without_an_engine", path=Path("tests/lot/test_it.py"))],
    ],
    ids=["without a table", "with one row", "of the engines", "without an engine"],
)
def test_whatever_else_there_is_runs_in_every_case(items: list[Item]) -> None:
    assert left_out(items) == set()
