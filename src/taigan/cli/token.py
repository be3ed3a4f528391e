"""`taigan token`: who may use the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, Failure, read_settings, with_database

if TYPE_CHECKING:
    from taigan.storage.database import Database


token_commands = typer.Typer(no_args_is_help=True, help="Tokens of the API: who may use it.")
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Who uses it: console, camera-1, …")]


@token_commands.command("create")
def create_token(name: TokenName, config: Config = None) -> None:
    """Make a token and print it: the only time it is seen. One of that name stops being accepted."""
    from taigan.clock import SystemClock
    from taigan.web import tokens

    async def create(database: Database) -> None:
        try:
            typer.echo(await tokens.create(database, name, SystemClock()))
        except tokens.BadName as error:
            raise Failure(str(error), 2) from None

    with_database(create, config)


@token_commands.command("list")
def list_tokens(config: Config = None) -> None:
    """The names of all tokens, with the moment they were made. The tokens themselves are kept nowhere."""
    from taigan.web import tokens

    async def show(database: Database) -> None:
        for token in await tokens.listed(database):
            typer.echo(f"{token.created_at:%Y-%m-%d %H:%M:%S}Z  {token.name}")

    with_database(show, config)


@token_commands.command("revoke")
def revoke_token(name: TokenName, config: Config = None) -> None:
    """End a token: it is refused from now on."""
    from taigan.web import tokens

    async def revoke(database: Database) -> None:
        if not await tokens.revoke(database, name):
            raise Failure(f"there is no token called {name}", 1)

    with_database(revoke, config)
    if name in read_settings(config).lot.api_tokens:
        typer.echo(f"{name} stands in lot.api_tokens too: take it out, or the next start brings it back", err=True)
