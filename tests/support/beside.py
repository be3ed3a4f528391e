"""Tests that mostly wait, beside each other: the first begins all of its file, and each awaits its own outcome."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

AT_ONCE = 4
"""So many of a file are under way, unless its own `AT_ONCE` says otherwise: of more, each is late by what the others
compute."""

FOLDER = "tmp_path"
Begun = dict[str, "asyncio.Task[None]"]


def beside(body: Callable[..., Any]) -> Callable[..., Any]:
    """A test that is run beside the others of its file. It may name `tmp_path`, the columns of its table, and fixtures
    of the whole session that are no coroutines. One that is no coroutine itself has a thread.
    """
    named = [each for name, each in inspect.signature(body).parameters.items() if name != FOLDER]

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
    turn = asyncio.Semaphore(getattr(request.module, "AT_ONCE", AT_ONCE))

    async def in_turn(body: Callable[..., Any], given: dict[str, Any]) -> None:
        async with turn:
            if inspect.iscoroutinefunction(body):
                await body(**given)
            else:
                await asyncio.to_thread(body, **given)

    def given(item: pytest.Function, name: str) -> Any:
        if name == FOLDER:
            return folders.mktemp(item.originalname)
        table = item.callspec.params if hasattr(item, "callspec") else {}
        return table[name] if name in table else request.getfixturevalue(name)

    tasks: Begun = {}
    for item in request.session.items:
        if item.path == request.path and hasattr(getattr(item, "function", None), "stands_beside"):
            body = item.function.stands_beside
            arguments = {name: given(item, name) for name in inspect.signature(body).parameters}
            tasks[item.nodeid] = asyncio.create_task(in_turn(body, arguments))
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
