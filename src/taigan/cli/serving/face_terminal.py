"""`taigan face-terminal`: an emulated access device at a residential area's gate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from taigan.cli.running import ClockFile, Config, Failure, WithParent, machine_clock, run_until_told

if TYPE_CHECKING:
    from taigan.settings.model import Settings


def face_terminal(
    lot: Annotated[str, typer.Argument(help="The lot, such as 200002-7.", metavar="LOT")],
    device: Annotated[str, typer.Argument(help="The device's number at the lot, such as FD-0001.", metavar="DEVICE")],
    token: Annotated[
        str,
        typer.Option(
            help="A token that may passage:report; see `taigan token create`.", envvar="TAIGAN_FACE_TERMINAL_TOKEN"
        ),
    ],
    platform: Annotated[
        str, typer.Option(help="The lot platform, http://HOST:PORT; by default the one of the configuration.")
    ] = "",
    host: Annotated[str, typer.Option(help="Where its page listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port of its page.", min=0, max=65535)] = 8804,
    config: Config = None,
    stop_with_parent: WithParent = False,
    clock_file: ClockFile = None,
) -> None:
    """An emulated face terminal of a residential area: a page where people walk past it, reported to the lot."""

    async def run(settings: Settings, with_parent: bool) -> None:
        from taigan.devices.terminal import TerminalSettings, serve
        from taigan.running.process import listen, stop_when_told

        url = (platform or settings.lot_url).rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#]+", url):
            raise Failure(f"--platform {platform}: is written as http://HOST:PORT", 2)
        if not token.isascii() or not token.isprintable():
            raise Failure("--token: is no token", 2)
        terminal = TerminalSettings(f"{url}/api/v1/lots/{quote(lot, safe='')}", token, device)
        stop = stop_when_told(with_parent=with_parent)
        with listen(host, port, "--port") as listener:
            await serve(terminal, stop, clock=machine_clock(), listener=listener)

    run_until_told(run, config, stop_with_parent)
