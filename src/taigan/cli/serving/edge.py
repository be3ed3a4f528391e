"""`taigan edge`: beside the devices of a lot."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, cast

import typer

from taigan.cli.running import Failure, WithParent, fail

if TYPE_CHECKING:
    from taigan.barriers.edge.agent import EdgeSettings


def edge(
    config: Annotated[Path, typer.Option("--config", envvar="TAIGAN_EDGE_CONFIG", help="The edge's settings.")] = Path(
        "edge.toml"
    ),
    stop_with_parent: WithParent = False,
) -> None:
    """Beside the devices in a lot: holds their drivers and speaks to a platform elsewhere through an MQTT broker."""
    import uvloop

    sys.modules.setdefault("rich", cast(ModuleType, None))
    from taigan.running import logs
    from taigan.running.process import PortTaken

    os.umask(0o077)
    settings = edge_settings(config)
    logs.set_up(json=not sys.stderr.isatty(), level="info", secrets=[settings.platform.password])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_edge(settings, stop_with_parent))
    except Failure as failure:
        fail(str(failure), failure.exit_code)
    except PortTaken as error:
        fail(str(error), 4)


async def _edge(settings: EdgeSettings, with_parent: bool) -> None:
    from taigan.barriers.drivers import BadSettings
    from taigan.barriers.edge.agent import EdgeAgent
    from taigan.barriers.edge.cars import Cars
    from taigan.barriers.edge.outbox import Outbox, OutboxUnusable
    from taigan.barriers.secrets import FILE, DeviceSecrets
    from taigan.running.process import listen, serve, stop_when_told
    from taigan.web.doors.devices import Devices

    stop = stop_when_told(with_parent=with_parent)
    try:
        outbox = Outbox(settings.outbox)
        agent = EdgeAgent(
            settings, outbox, Cars(settings.cars), device_secrets=DeviceSecrets(Path(settings.data_dir) / FILE)
        )
    except (BadSettings, OutboxUnusable) as error:
        raise Failure(str(error), 2) from None
    await agent.start()
    try:
        if settings.devices_port:
            with listen(settings.devices_host, settings.devices_port, "devices_port") as listener:
                door = Devices(agent.fleet.door)
                await serve(door, listener, stop, end_streams=lambda: None)
        else:
            await stop.wait()
    finally:
        await agent.stop()
        outbox.close()


def edge_settings(file: Path) -> EdgeSettings:
    import tomllib

    from msgspec.structs import replace

    from taigan.barriers.drivers import BadSettings
    from taigan.barriers.edge.agent import read_edge_settings

    try:
        settings = read_edge_settings(tomllib.loads(file.read_text("utf-8")))
        return replace(settings, data_dir=str(file.parent / settings.data_dir))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    except (BadSettings, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fail(f"{file}: {error}", 2)
