"""One time-out a task: two on one task may run out in one turn of the loop, and one then takes the other's
cancellation for its own. So a block with a time-out waits for one plain thing, and anything that may have time-outs of
its own is waited for in a task of its own (`tasks.within`, `Clock.wait`).
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import taigan
from taigan.running.tasks import within

SOURCE = Path(taigan.__file__).parent
PLAIN = {"receive", "get", "wait", "to_thread", "stream", "sleep", "gather"}
"""What has no time-out inside it, or waits in tasks of their own."""
SOCKETS = {"open_connection", "drain", "wait_closed"}


def is_time_out(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr.startswith("timeout")


def name(call: ast.expr) -> str:
    match call:
        case ast.Call(func=ast.Attribute(attr=attr)) | ast.Call(func=ast.Name(id=attr)):
            return attr
        case ast.Name() | ast.Attribute():
            return ""  # a future
    return ast.unparse(call)


def breaches(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "wait_for" and ast.unparse(node.value) == "asyncio":
            yield f"line {node.lineno}: asyncio.wait_for"
        if not isinstance(node, ast.AsyncWith) or not any(map(is_time_out, node.items)):
            continue
        if len(node.items) > 1:
            yield f"line {node.lineno}: something is opened beside the time-out"
        for inside in (each for statement in node.body for each in ast.walk(statement)):
            awaited = inside.value if isinstance(inside, ast.Await) else None
            if isinstance(inside, ast.AsyncFor):
                awaited = inside.iter
            if isinstance(inside, ast.AsyncWith):
                yield f"line {inside.lineno}: opens something inside a time-out"
            if awaited is not None and name(awaited) not in {"", *PLAIN, *SOCKETS}:
                yield f"line {inside.lineno}: waits for {name(awaited)} inside a time-out"


def test_no_task_has_two_time_outs() -> None:
    paths = sorted(SOURCE.rglob("*.py"))
    assert [(path.relative_to(SOURCE), breach) for path in paths for breach in breaches(path.read_text())] == []


@pytest.mark.parametrize(
    "code",
    [
        "async with asyncio.timeout(1):\n    async with clock.timeout(2):\n        await event.wait()",
        "async with clock.timeout(1):\n    await self.send()",
        "async with asyncio.timeout(1), engine.connect() as conn:\n    pass",
        "await asyncio.wait_for(event.wait(), 1)",
        "async with asyncio.timeout_at(1):\n    async for piece in lines():\n        pass",
    ],
)
def test_a_second_time_out_would_be_found(code: str) -> None:
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    assert list(breaches(f"async def f():\n{indented}"))


async def test_work_within_a_time_gives_its_result_or_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def at_once() -> int:
        return 7

    assert await within(60, at_once()) == 7
    with pytest.raises(TimeoutError):
        await within(0.001, never())
    await cancelled.wait()


async def test_a_time_out_inside_that_runs_out_in_the_same_turn_is_its_own() -> None:
    async def inner() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "the inner one"
        return ""

    with pytest.raises(TimeoutError):
        await within(0, inner())
