"""Fixtures for everything that is not the code itself: servers, processes, a browser."""

from __future__ import annotations

import asyncio
import gc
import os
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.async_api import Browser

from support.beside import Begun, begun_together
from support.browser import chromium
from support.databases.engines import IN_TURN, of_the_other_engine
from support.databases.postgres import NewDatabase, new_databases, postgres_server
from support.logs import log_plainly
from support.stacks.stack import STACKS_ON, Stack
from support.telling import TOLD, Tell

# A run gives the same verdict each time, however busy the machine; --hypothesis-profile=search looks further.
hypothesis_settings.register_profile(
    "repeatable", max_examples=50, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("search", deadline=None, max_examples=5000)
hypothesis_settings.load_profile("repeatable")

log_plainly()

NewStack = Callable[..., Stack]


LONG_FIRST = ("crash", "browser", "conformance", "journeys")
"""Folders whose files take longest: begun first, so that no core waits for the last of them."""


def _turn(item: pytest.Item) -> tuple[bool, int]:
    """When a test's file is begun: what waits for clocks lies beside what computes, whatever the folders are called."""
    file = item.path.relative_to(item.config.rootpath)
    return file.parts[1] not in LONG_FIRST, zlib.crc32(bytes(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mix the files, the long ones first; of a table's rows, leave each to one engine."""
    items.sort(key=_turn)
    if IN_TURN:
        left_out = of_the_other_engine(items)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


# What is imported and collected stays to the end: whoever looks for garbage need not look at it, now or later.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from here on."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests told."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = [(report.nodeid, text) for report in reports for name, text in report.user_properties if name == TOLD]
    if told:
        terminalreporter.section("counts")
    for nodeid, text in told:
        terminalreporter.line(f"{nodeid}\n    {text}")


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Keeps a line for the end of the run."""
    return lambda text: record_property(TOLD, text)


@pytest.fixture(scope="module")
async def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Begun]:
    """The tests of the file that run beside each other."""
    async with begun_together(request, tmp_path_factory) as tasks:
        yield tasks


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL database from which others can be created: the named one, or a server of our own."""
    named = os.environ.get("TAIGAN_TEST_DATABASE_URL")
    if named:
        yield named
        return
    with postgres_server() as server:
        yield server.url


@pytest.fixture
async def new_postgres_database(postgres_url: str) -> AsyncIterator[NewDatabase]:
    """Creates empty PostgreSQL databases, dropped after the test."""
    async with new_databases(postgres_url) as create:
        yield create


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> NewDatabase:
    """Names empty databases, by URL, once on each engine."""
    if request.param == "postgresql":
        create: NewDatabase = request.getfixturevalue("new_postgres_database")
        return create

    async def name() -> str:
        return f"sqlite:///{tmp_path / f'{uuid.uuid4().hex[:12]}.sqlite3'}"

    return name


@pytest.fixture
async def database_url(new_database: NewDatabase) -> str:
    """One empty database, once on each engine."""
    return await new_database()


@pytest.fixture(scope="session")
async def stack_database(request: pytest.FixtureRequest) -> AsyncIterator[NewDatabase | None]:
    """Names the databases of whole stacks; None where each has a file in its folder."""
    if STACKS_ON == "sqlite":
        yield None
        return
    async with new_databases(request.getfixturevalue("postgres_url")) as create:
        yield create


@pytest.fixture(scope="session")
async def shared_stack(
    tmp_path_factory: pytest.TempPathFactory, stack_database: NewDatabase | None
) -> AsyncIterator[Stack]:
    """The three processes, as the test before left them."""
    started = Stack(tmp_path_factory.mktemp("stack"), new_database=stack_database)
    await started.start()
    yield started
    assert await started.stop() == 0


@pytest.fixture
async def stack(shared_stack: Stack) -> Stack:
    """The three processes, shared by tests: no fault is switched on, no car stands at a lane, all arms are down."""
    await shared_stack.clear()
    return shared_stack


@pytest.fixture
async def new_stack(tmp_path: Path, stack_database: NewDatabase | None) -> AsyncIterator[NewStack]:
    """Makes stacks of a test's own, with settings of its own, and ends what the test leaves running."""
    made: list[Stack] = []

    def make(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Stack:
        where = folder or tmp_path / f"stack-{len(made)}"
        where.mkdir(parents=True, exist_ok=True)
        made.append(Stack(where, environment, stack_database))
        return made[-1]

    yield make
    for one in made:
        await one.clean_up()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium."""
    async with chromium() as started:
        yield started


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the programs run on."""
    return {"uvloop": uvloop.new_event_loop}
