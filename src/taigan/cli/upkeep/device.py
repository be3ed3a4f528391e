"""`taigan device`: the addresses of devices that post to the platform, or to an edge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from taigan.cli.running import Config, fail, read_settings
from taigan.cli.serving.edge import edge_settings

if TYPE_CHECKING:
    from taigan.barriers.secrets import DeviceSecrets

device_commands = typer.Typer(no_args_is_help=True, help="Devices that post to us: the address each of them needs.")
Edge = Annotated[Path | None, typer.Option(help="An edge's settings, for the devices beside it.")]
DeviceName = Annotated[str, typer.Argument(metavar="DRIVER/SERIAL", help="As `taigan device list` names it.")]


@device_commands.command("list")
def list_devices(edge: Edge = None, config: Config = None) -> None:
    """Every device that posts, its lane and its address, secret and all: for the person at the camera's own page."""
    from taigan.barriers.secrets import SecretsUnusable

    base, kept = _kept(edge, config)
    try:
        for device, known in sorted(kept.devices.items()):
            typer.echo(f"{device}  lane {known.lane or '?'}  {_address(base, kept, device)}")
    except SecretsUnusable as error:
        fail(str(error), 3)


@device_commands.command("show")
def show_device(name: DeviceName, edge: Edge = None, config: Config = None) -> None:
    """One device's address."""
    from taigan.barriers.secrets import SecretsUnusable

    base, kept = _kept(edge, config)
    try:
        typer.echo(_address(base, kept, _checked(name)))
    except SecretsUnusable as error:
        fail(str(error), 3)


@device_commands.command("renew")
def renew_device(name: DeviceName, edge: Edge = None, config: Config = None) -> None:
    """Give a device another secret and print its new address: the one before is refused from now on."""
    from taigan.barriers.secrets import SecretsUnusable

    base, kept = _kept(edge, config)
    try:
        known = kept.devices.get(_checked(name))
        if known is not None and known.chosen:
            fail(f"the secret of {name} stands in the settings of lane {known.lane}: change it there", 2)
        kept.renew(name)
        typer.echo(_address(base, kept, name))
    except SecretsUnusable as error:
        fail(str(error), 3)


def _kept(edge: Path | None, config: Path | None) -> tuple[str, DeviceSecrets]:
    """The address of the door, and the secrets of those who come to it."""
    from taigan.barriers.secrets import FILE, DeviceSecrets

    if edge is not None:
        beside = edge_settings(edge)
        return f"http://{beside.devices_host}:{beside.devices_port}", DeviceSecrets(Path(beside.data_dir) / FILE)
    settings = read_settings(config)
    return settings.lot_url, DeviceSecrets(settings.data / FILE)


def _checked(name: str) -> str:
    driver, _, serial = name.partition("/")
    if not driver or not serial:
        fail("a device is named DRIVER/SERIAL, as vzenith-http/0123abcd", 2)
    return name


def _address(base: str, kept: DeviceSecrets, device: str) -> str:
    driver, _, serial = device.partition("/")
    path = f"{base}/devices/{driver}/{quote(serial, safe='')}"
    known = kept.devices.get(device)
    if known is None or not known.chosen:
        return f"{path}/{kept.of(device)}"
    return path if driver == "http" else f"{path}/(the `secret` in its lane's settings)"
