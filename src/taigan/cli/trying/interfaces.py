"""`taigan interfaces`: the table of every interface."""

from __future__ import annotations

from typing import Annotated

import typer


def interfaces(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON array.")] = False,
) -> None:
    """Every interface of BoLink's document: how much of it is known, who handles it here, what calls it."""
    import msgspec

    from taigan.interfaces import rows, table

    typer.echo(msgspec.json.encode(rows()).decode() if as_json else "\n".join(table()))
