"""`taigan person`: who may sign in to the console."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, Failure, fail, read_settings, with_database

if TYPE_CHECKING:
    from taigan.storage.database import Database
    from taigan.web.console.signing.accounts import Accounts

person_commands = typer.Typer(no_args_is_help=True, help="Persons who sign in to the console, and their roles.")
Login = Annotated[str, typer.Argument(metavar="LOGIN", help="What they sign in with: small letters, digits, . _ -")]
PasswordFile = Annotated[
    str | None, typer.Option(help="A file with the password, - for standard input; none: one is made and printed.")
]
BY = "taigan person"


@person_commands.command("create")
def create_person(
    login: Login,
    name: Annotated[str, typer.Option(help="Their name, as it stands beside what they do.")],
    role: Annotated[list[str] | None, typer.Option(help="A role. May be repeated.")] = None,
    lot: Annotated[list[str] | None, typer.Option(help="A lot it is for. May be repeated; none: all lots.")] = None,
    password_file: PasswordFile = None,
    keep_password: Annotated[bool, typer.Option(help="Let them keep it; else they change it first.")] = False,
    config: Config = None,
) -> None:
    """Make an account, with roles in lots, and print its password: the only time it is seen.

    The roles stand in the documentation (rights.md). The first person of a new platform is made like this.
    """
    from taigan.rights import Role
    from taigan.web.console.signing.accounts import BadAccount, new_password

    known = {one.value: one for one in Role}
    for named in role or ():
        if named not in known:
            fail(f"--role {named}: there are {', '.join(known)}", 2)
    password = _given(password_file) or new_password()

    async def create(database: Database) -> None:
        accounts = _accounts(database)
        try:
            await accounts.check_lots(lot or ())
            await accounts.create(login, name, password, by=BY, must_change=not keep_password)
            for named in role or ():
                await accounts.give(login, known[named], lot or (), by=BY)
        except BadAccount as error:
            raise Failure(f"{error.field}: {error}", 2) from None
        if password_file is None:
            typer.echo(password)

    with_database(create, config)


@person_commands.command("list")
def list_persons(config: Config = None) -> None:
    """Everybody by name, with what they may where, and whether they are let in."""

    async def show(database: Database) -> None:
        linked = {link.login for link in await _accounts(database).links()}
        for person, grants in await _accounts(database).listed():
            may = ", ".join(f"{one.role} in {one.lot_id or 'all lots'}" for one in grants) or "no role"
            state = " (disabled)" if person.disabled_at else ""
            factor = " +code" if person.totp_secret else ""
            factor += " +linked" if person.login in linked else ""
            typer.echo(f"{person.created_at:%Y-%m-%d}  {person.login}  {person.name}{state}{factor}  {may}")

    with_database(show, config)


@person_commands.command("disable")
def disable_person(
    login: Login,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    config: Config = None,
) -> None:
    """Let a person in no longer; their browsers are signed out at once. What they did stays under their name."""

    async def disable(database: Database) -> None:
        if not await _accounts(database).disable(login, not undo, by=BY):
            raise Failure(f"there is no person {login}", 1)

    with_database(disable, config)


@person_commands.command("reset")
def reset_person(login: Login, password_file: PasswordFile = None, config: Config = None) -> None:
    """Give a person a new password and print it; the second factor and every session end."""
    from taigan.web.console.signing.accounts import BadAccount, new_password

    password = _given(password_file) or new_password()

    async def reset(database: Database) -> None:
        try:
            found = await _accounts(database).reset(login, password, by=BY)
        except BadAccount as error:
            raise Failure(f"{error.field}: {error}", 2) from None
        if not found:
            raise Failure(f"there is no person {login}", 1)
        if password_file is None:
            typer.echo(password)

    with_database(reset, config)


@person_commands.command("link")
def link_person(
    login: Login,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The account's number at the provider (sub).")],
    name: Annotated[str, typer.Option(help="What people know that account by.")] = "",
    config: Config = None,
) -> None:
    """Let a person in by their account at the provider that lot.oidc_issuer names, without a password.

    The number stands in the provider's own list of users, and in the records once somebody tried to sign in by it.
    """
    from taigan.web.console.signing.accounts import BadAccount
    from taigan.web.console.signing.elsewhere import LONGEST_NAME, LONGEST_SUBJECT, Identity, printable

    issuer = read_settings(config).lot.oidc_issuer or fail("lot.oidc_issuer names no provider", 2)
    for given, longest, least, what in ((subject, LONGEST_SUBJECT, 1, "SUBJECT"), (name, LONGEST_NAME, 0, "--name")):
        if len(given) < least or printable(given, longest) != given:
            fail(f"{what} must have {least} to {longest} printable characters", 2)

    async def link(database: Database) -> None:
        try:
            await _accounts(database).link(login, Identity(issuer, subject, name), by=BY)
        except BadAccount as error:
            raise Failure(str(error), 1) from None

    with_database(link, config)


@person_commands.command("unlink")
def unlink_person(login: Login, config: Config = None) -> None:
    """Let a person in by their password alone; browsers that came in the other way are signed out."""

    async def unlink(database: Database) -> None:
        if not await _accounts(database).unlink(login, by=BY):
            raise Failure(f"{login} is linked to no account elsewhere", 1)

    with_database(unlink, config)


def _accounts(database: Database) -> Accounts:
    from taigan.clock import SystemClock
    from taigan.lot.policy import Policy
    from taigan.web.console.signing.accounts import Accounts

    return Accounts(database, SystemClock(), Policy())


def _given(file: str | None) -> str:
    """The password in a file, or an empty text."""
    if file is None:
        return ""
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}", 2)
    return text.strip("\r\n") or fail("the password is empty", 2)
