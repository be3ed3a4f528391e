"""`taigan token`: who may use the API."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from taigan.cli.running import Config, Failure, fail, read_settings, with_database

if TYPE_CHECKING:
    from taigan.storage.database import Database


Kind = TypeVar("Kind", bound=StrEnum)
token_commands = typer.Typer(no_args_is_help=True, help="Tokens of the API: who may use it.")
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Who uses it: console, camera-1, …")]


@token_commands.command("create")
def create_token(
    name: TokenName,
    role: Annotated[list[str] | None, typer.Option(help="What it is for: a set of rights. May be repeated.")] = None,
    right: Annotated[list[str] | None, typer.Option(help="One right, like lane:open. May be repeated.")] = None,
    lot: Annotated[list[str] | None, typer.Option(help="A lot it is for. May be repeated; none: all lots.")] = None,
    config: Config = None,
) -> None:
    """Make a token and print it: the only time it is seen. One of that name stops being accepted.

    It may do what its roles and rights say, in its lots. The lists of both stand in the documentation (rights.md).
    """
    from taigan.clock import SystemClock
    from taigan.rights import Right, Role
    from taigan.web import tokens

    roles = [_one_of(Role, "--role", named) for named in role or ()]
    rights = [_one_of(Right, "--right", named) for named in right or ()]
    if not roles and not rights:
        fail(f"say what it may do: --role {'|'.join(Role)}, or --right THING:ACTION", 2)

    async def create(database: Database) -> None:
        try:
            made = await tokens.create(database, name, SystemClock(), roles=roles, rights=rights, lots=lot or ())
        except (tokens.BadName, tokens.UnknownLots) as error:
            raise Failure(str(error), 2) from None
        typer.echo(made)

    with_database(create, config)


def _one_of(kind: type[Kind], option: str, named: str) -> Kind:
    try:
        return kind(named)
    except ValueError:
        fail(f"{option} {named}: there are {', '.join(kind)}", 2)


@token_commands.command("list")
def list_tokens(config: Config = None) -> None:
    """All tokens by name: when they were made, what they may, and where. The tokens themselves are kept nowhere."""
    from taigan.web import tokens

    async def show(database: Database) -> None:
        for token in await tokens.listed(database):
            may = " ".join([*(token.roles or ()), *(token.rights or ())])
            if token.roles is None and token.rights is None:
                may = "every right"
            where = " ".join(token.lots) if token.lots is not None else "all lots"
            typer.echo(f"{token.created_at:%Y-%m-%d %H:%M:%S}Z  {token.name}  ({may}; {where})")

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
