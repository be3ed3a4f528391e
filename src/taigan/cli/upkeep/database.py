"""`taigan database`: moving the lot platform's database."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, fail, read_settings

if TYPE_CHECKING:
    from taigan.storage.kept.copying import Progress

database_commands = typer.Typer(no_args_is_help=True, help="The lot platform's database.")


@database_commands.command("copy")
def copy(
    to: Annotated[str, typer.Argument(metavar="URL", help="A new, empty database: postgresql://… or sqlite:///…")],
    config: Config = None,
) -> None:
    """Copy everything into a new database, mostly from SQLite to PostgreSQL, and count both sides.

    Stop the platform first. Then name the new database in database_url and start. Whatever ends it half way, the new
    database is as empty as before and the old one as it was: do it again.
    """
    from taigan.storage.errors import InUse, NewerDatabase, StorageError
    from taigan.storage.kept.copying import Differs, NotEmpty

    settings = read_settings(config)
    os.umask(0o077)
    try:
        rows = asyncio.run(_copy(settings.lot_database_url, to))
    except InUse:
        fail("the SQLite file is in use: stop taigan lot first", 5)
    except NewerDatabase as error:
        fail(str(error), 6)
    except StorageError as error:
        fail(str(error), 3)
    except NotEmpty as error:
        fail(f"{error}, made with CREATE DATABASE, or another file; nothing was copied", 1)
    except Differs as error:
        fail(f"{error}; nothing was copied: does something else write to either? stop it, and do it again", 1)
    except KeyboardInterrupt:
        fail("ended before it was done: the new database is as empty as before; do it again", 130)
    typer.echo(f"{rows} rows copied and counted; now name the new database in [lot] database_url, and start")


async def _copy(source_url: str, target_url: str) -> int:
    from taigan.storage.database import open_database
    from taigan.storage.kept import copying

    source = await open_database(source_url, unhurried=True)
    try:
        target = await open_database(target_url, unhurried=True)
        try:
            return await copying.copy(source, target, _show)
        finally:
            await target.close()
    finally:
        await source.close()


def _show(progress: Progress) -> None:
    """A line a table, which counts up on a terminal."""
    done = progress.rows >= progress.of
    if sys.stderr.isatty():
        typer.echo(f"\r{progress.table}: {progress.rows} of {progress.of}", err=True, nl=done)
    elif done:
        typer.echo(f"{progress.table}: {progress.rows}", err=True)
