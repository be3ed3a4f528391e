"""Tests that mostly wait, beside each other: the first begins all of its file, and each awaits its own outcome."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

AT_ONCE = 4
"""So many of a file are under way: with more, each is late by what the others compute."""

Begun = dict[str, "asyncio.Task[None]"]


def beside(body: Callable[..., Any]) -> Callable[..., Any]:
    """A test that is run beside the others of its file. It is given a folder; a row of a table and whatever fixtures
    of the whole session it names, too. One that is no coroutine has a thread.
    """
    _, *named = inspect.signature(body).parameters.values()

    @functools.wraps(body)
    async def test(request: pytest.FixtureRequest, begun: Begun, **_: Any) -> None:
        await begun[request.node.nodeid]

    own = [*inspect.signature(test, follow_wrapped=False).parameters.values()][:2]
    test.__signature__ = inspect.Signature([*own, *named])  # type: ignore[attr-defined]
    test.stands_beside = body  # type: ignore[attr-defined]
    return test


@contextlib.asynccontextmanager
async def begun_together(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> AsyncIterator[Begun]:
    """Those of the file that are run; whoever is not through at the end is cancelled."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def in_turn(body: Callable[..., Any], folder: Path, named: dict[str, Any]) -> None:
        async with turn:
            if inspect.iscoroutinefunction(body):
                await body(folder, **named)
            else:
                await asyncio.to_thread(body, folder, **named)

    tasks: Begun = {}
    for item in request.session.items:
        if item.path == request.path and hasattr(getattr(item, "function", None), "stands_beside"):
            body = item.function.stands_beside
            row = item.callspec.params if hasattr(item, "callspec") else {}
            _, *names = inspect.signature(body).parameters
            named = {name: row[name] if name in row else request.getfixturevalue(name) for name in names}
            tasks[item.nodeid] = asyncio.create_task(in_turn(body, folders.mktemp(body.__name__), named))
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
