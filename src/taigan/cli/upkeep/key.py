"""`taigan key`: the keys that vendors share with BoLink."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, Failure, read_settings, with_database

if TYPE_CHECKING:
    from taigan.storage.database import Database


key_commands = typer.Typer(no_args_is_help=True, help="The keys that vendors share with BoLink.")


@key_commands.callback()
def keys() -> None:
    """The keys that vendors share with BoLink."""


@key_commands.command("revoke")
def revoke_key(
    union_id: Annotated[str, typer.Argument(metavar="UNION_ID", help="The vendor, as BoLink numbers it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "cut off at the command line",
    config: Config = None,
) -> None:
    """Accept only the vendor's present key from now on: the ones before it may have leaked.

    A running platform knows within two seconds. One on SQLite has the file to itself: send it PUT
    /api/v1/vendors/UNION_ID/key with the present key and "overlap": 0 instead.
    """
    from taigan.clock import SystemClock
    from taigan.lot.errors import LotError
    from taigan.lot.people.by import By
    from taigan.lot.people.keys import cut_off

    usual = timedelta(seconds=read_settings(config).lot.key_overlap)
    now = SystemClock().now()

    async def revoke(database: Database) -> None:
        try:
            by = By("taigan key revoke", reason)
            ended = await database.write(lambda conn: cut_off(conn, union_id, by, now=now, usual=usual))
        except LotError as error:
            raise Failure(error.message, 1) from None
        typer.echo(f"{ended} earlier {'key is' if ended == 1 else 'keys are'} accepted no more")

    with_database(revoke, config)
