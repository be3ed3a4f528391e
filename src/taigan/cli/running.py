"""What every command shares: its settings, how it runs, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

if TYPE_CHECKING:
    from taigan.clock import Clock
    from taigan.pictures.store import Store
    from taigan.settings.model import Settings
    from taigan.storage.database import Database


Config = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="TAIGAN_CONFIG", help="The settings; by default taigan.toml here.", show_default=False
    ),
]
WithParent = Annotated[bool, typer.Option("--stop-with-parent", hidden=True)]

Main = Callable[["Settings", bool], Awaitable[None]]
"""What a command does with its settings; True: it ends when its parent does."""

STARTED_AFTER = 5.0
"""Seconds after which a process has what it needs in memory."""


class Failure(Exception):
    """Why a command ends: one sentence, and the exit code."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def store_of(settings: Settings) -> Store:
    """Where pictures are kept. Raises `Failure`."""
    own = settings.lot
    if not own.pictures_in:
        from taigan.pictures.store import Files

        return Files(settings.data / "pictures")
    try:
        from taigan.pictures.s3 import Bucket
    except ImportError:
        raise Failure("lot.pictures_in: a bucket needs an extra: pip install 'taigan[s3]'", 2) from None
    bucket, _, prefix = own.pictures_in.removeprefix("s3://").partition("/")
    return Bucket(
        bucket,
        endpoint=own.s3_endpoint,
        region=own.s3_region,
        key_id=own.s3_key_id,
        key_secret=own.s3_key_secret,
        prefix=prefix,
    )


def with_database(work: Callable[[Database], Awaitable[None]], config: Path | None, *, unhurried: bool = False) -> None:
    """Do something in the lot platform's database, beside its processes where the engine allows that.

    `unhurried` work may take its time.
    """
    from taigan.storage.database import open_database
    from taigan.storage.errors import InUse, NewerDatabase, StorageError

    settings = read_settings(config)

    async def run() -> None:
        database = await open_database(settings.lot_database_url, unhurried=unhurried)
        try:
            await work(database)
        finally:
            await database.close()

    os.umask(0o077)
    try:
        make_folder(settings.data)
        asyncio.run(run())
    except Failure as failure:
        fail(str(failure), failure.exit_code)
    except InUse:
        fail("taigan lot has the SQLite file to itself: stop it meanwhile, or change lot.api_tokens and restart it", 5)
    except NewerDatabase as error:
        fail(str(error), 6)
    except StorageError as error:
        fail(str(error), 3)


def run_until_told(
    main: Main, config: Path | None, with_parent: bool, divide: Callable[[Settings], Main] | None = None
) -> None:
    """Read the settings, set up the logs, and run `main` until it ends.

    `divide` makes several processes of this one, before anything runs; what it returns runs in each of them.
    """
    import uvloop

    # structlog loads rich if it can, for tracebacks in colour: a quarter of a second that no server should wait for.
    sys.modules.setdefault("rich", cast(ModuleType, None))
    # So does litestar with pydantic, where somebody else has installed it: 9 MB that nothing here uses.
    sys.modules.setdefault("pydantic", cast(ModuleType, None))
    from taigan.running import logs
    from taigan.running.process import PortTaken

    os.umask(0o077)
    settings = read_settings(config)
    as_json = settings.logs.format == "json" or (settings.logs.format == "auto" and not sys.stderr.isatty())
    logs.set_up(json=as_json, level=settings.logs.level, secrets=settings.secrets)

    async def run() -> None:
        # What is built while starting stays: looking through it for garbage costs a seventh of the start.
        asyncio.get_running_loop().call_later(STARTED_AFTER, _collect_garbage_from_now_on)
        await main(settings, with_parent)

    gc.disable()
    try:
        make_folder(settings.data)
        if divide is not None:
            main = divide(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except Failure as failure:
        fail(str(failure), failure.exit_code)
    except PortTaken as error:
        fail(str(error), 4)


def for_tests(variable: str) -> str:
    """What a variable of the crash tests says. It says nothing unless the interpreter was started as they start it."""
    return os.environ.get(variable, "") if "taigan_tests" in sys._xoptions else ""


_clock_file: list[Path] = []


def _keep_clock_file(file: Path | None) -> Path | None:
    _clock_file[:] = [file] if file is not None else []
    return file


ClockFile = Annotated[Path | None, typer.Option("--clock-file", hidden=True, callback=_keep_clock_file)]
"""A file that holds the seconds to add to the machine's clock: the demo moves its parts forward together by it."""


def machine_clock() -> Clock:
    """The machine's clock, moved by what a file says: `--clock-file`, or for one process of the crash tests."""
    from taigan.clock import SteppedClock, SystemClock

    stepped = for_tests("TAIGAN_TEST_CLOCK_FILE")
    files = [Path(stepped)] if stepped else _clock_file
    return SteppedClock(files[0]) if files else SystemClock()


def _collect_garbage_from_now_on() -> None:
    gc.freeze()
    gc.enable()


def read_settings(config: Path | None) -> Settings:
    from taigan.settings.complaints import WrongSettings
    from taigan.settings.reading import load

    if config is None and Path("taigan.toml").exists():
        config = Path("taigan.toml")
    try:
        return load(config, os.environ)
    except WrongSettings as error:
        fail(str(error), 2)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"data_dir {folder} cannot be written: {error.strerror}", 3) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"data_dir {folder} cannot be written", 3)


def fail(text: str, exit_code: int) -> NoReturn:
    typer.echo(f"taigan: {text}", err=True)
    raise typer.Exit(exit_code)
