"""`taigan init`: a configuration to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from taigan.cli.running import fail


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.", show_default=True)] = Path("taigan.toml"),
) -> None:
    """Write a configuration with every setting explained, ready to run on this machine."""
    import secrets

    from taigan.settings.starting import starting_config

    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(starting_config(lambda: secrets.token_hex(16)))
    except FileExistsError:
        fail(f"{file} is there already; name another file or move it away", 2)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", 3)
    typer.echo(f"{file} is written. Start with it: taigan lot --config {file}")
