"""`taigan privacy`: what is kept of one person, to hand it out and to erase it."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taigan.cli.running import Config, Failure, fail, read_settings, store_of, with_database

if TYPE_CHECKING:
    from taigan.storage.database import Database
    from taigan.storage.kept.privacy import By

privacy_commands = typer.Typer(no_args_is_help=True, help="What is kept of one person: hand it out, or erase it.")
Plate = Annotated[str, typer.Option(help="Find the person by this plate (or licence).")]
Phone = Annotated[str, typer.Option(help="Find the person by this phone number.")]
Identity = Annotated[str, typer.Option(help="Find the person by this identity (pay_user_id).")]
Operator = Annotated[str, typer.Option(help="Who does it; it is recorded.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded. Write no personal data into it.")]


@privacy_commands.command("export")
def export(
    operator: Operator,
    reason: Reason,
    plate: Plate = "",
    phone: Phone = "",
    identity: Identity = "",
    output: Annotated[Path | None, typer.Option(help="A new file for it; by default it is printed.")] = None,
    config: Config = None,
) -> None:
    """Everything that is kept of one person, as JSON by table; pictures as base64."""
    from taigan.clock import SystemClock
    from taigan.pictures.store import StoreFailed
    from taigan.storage.kept import privacy

    by, value = _whom(plate, phone, identity)

    async def run(database: Database) -> None:
        found = await database.read(lambda conn: privacy.export(conn, by, value))
        store = store_of(read_settings(config))
        for row in found.get("shots", []):
            try:
                row["picture"] = await store.get(row["place"]) if row["place"] else row["picture"]
            except StoreFailed as error:
                raise Failure(f"the pictures cannot be read now: {error}", 3) from None
        now = SystemClock().now()
        await database.write(lambda conn: privacy.record_export(conn, by, value, operator, reason, now))
        text = json.dumps(found, ensure_ascii=False, indent=2, default=_as_json)
        if output is None:
            typer.echo(text)
            return
        try:
            with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise Failure(f"{output} cannot be written: {error.strerror}", 3) from None
        typer.echo(f"{sum(map(len, found.values()))} rows of {len(found)} tables in {output}")

    with_database(run, config, unhurried=True)


@privacy_commands.command("erase")
def erase(
    operator: Operator,
    reason: Reason,
    plate: Plate = "",
    phone: Phone = "",
    identity: Identity = "",
    config: Config = None,
) -> None:
    """Erase what tells who it was. Stays and money remain, as nobody's; a car that is inside is waited for."""
    from taigan.clock import SystemClock
    from taigan.pictures.store import StoreFailed, both
    from taigan.storage.kept import privacy

    by, value = _whom(plate, phone, identity)

    async def run(database: Database) -> None:
        now = SystemClock().now()
        try:
            places = await database.read(lambda conn: privacy.pictures(conn, by, value, to_erase=True))
            await store_of(read_settings(config)).drop([each for place in places for each in both(place)])
            erased = await database.write(lambda conn: privacy.erase(conn, by, value, operator, reason, now))
        except privacy.StillNeeded as error:
            raise Failure(str(error), 1) from None
        except StoreFailed as error:
            raise Failure(f"the pictures cannot be erased now, and nothing was: {error}", 3) from None
        for table, rows in erased.rows.items():
            typer.echo(f"{table}: {rows}")
        typer.echo("nothing was kept" if not erased.rows else "erased; backups made before still hold it")

    with_database(run, config, unhurried=True)


def _whom(plate: str, phone: str, identity: str) -> tuple[By, str]:
    from taigan.storage.kept.privacy import By

    given = [(by, value) for by, value in ((By.PLATE, plate), (By.PHONE, phone), (By.IDENTITY, identity)) if value]
    if len(given) != 1:
        fail("say whom by one of --plate, --phone, --identity", 2)
    return given[0]


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
