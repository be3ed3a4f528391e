"""`taigan demo`: everything on one machine."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from taigan.cli.running import fail


def demo(
    host: Annotated[str, typer.Option(help="Where everything listens; 0.0.0.0 for phones in the same network.")] = (
        "127.0.0.1"
    ),
    lot_port: Annotated[int, typer.Option(help="The lot platform's port; 0: any free one.", min=0, max=65535)] = 8801,
    hub_port: Annotated[int, typer.Option(help="The hub's port; 0: any free one.", min=0, max=65535)] = 8802,
    lanes_port: Annotated[int, typer.Option(help="The lanes' port; 0: any free one.", min=0, max=65535)] = 8803,
    demo_port: Annotated[
        int | None,
        typer.Option(help="The page's port; by default 8800, or any if that is taken.", min=0, max=65535),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="What is kept, and gone on with at the next start.")] = Path("data"),
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    barrier: Annotated[
        str,
        typer.Option(
            envvar="DEMO_BARRIER",
            help="What stands at the lanes: simulated, or an emulated device such as vzenith-mqtt.",
        ),
    ] = "simulated",
    week: Annotated[
        bool, typer.Option(help="Fill a new lot with a week of invented stays, so that no list is empty.")
    ] = True,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write all addresses, tokens and keys here as JSON once everything answers.")
    ] = None,
) -> None:
    """BoLink's side, a lot platform and simulated lanes on this machine, with a page to try them."""
    from taigan.demo.errors import DemoError
    from taigan.demo.supervisor import Choices, Demo

    choices = Choices(
        host=host,
        lot_port=lot_port,
        hub_port=hub_port,
        lanes_port=lanes_port,
        demo_port=demo_port,
        data_dir=data_dir,
        ready_file=ready_file,
        open_browser=browser,
        barrier=barrier,
        week=week,
    )
    command = [sys.executable, "-m", "taigan"]

    async def run() -> None:
        await Demo(choices, command, os.environ, lambda line: print(line, flush=True)).run()  # noqa: T201

    os.umask(0o077)
    try:
        asyncio.run(run())
    except DemoError as error:
        fail(str(error), error.exit_code)
