"""The command line, and the only place where objects are built and wired: a file per command.

Exit codes: 0 ended when told to; 1 something unexpected; 2 wrong configuration or command line; 3 a place that cannot
be written or a database that cannot be reached; 4 a port that is taken; 5 another process serves from the same files;
6 a database from a newer version.
"""

from __future__ import annotations

import typer

from taigan.cli.serving.demo import demo
from taigan.cli.serving.devices import devices
from taigan.cli.serving.edge import edge
from taigan.cli.serving.face_terminal import face_terminal
from taigan.cli.serving.hub import hub_commands
from taigan.cli.serving.lanes import lanes
from taigan.cli.serving.lot import lot
from taigan.cli.trying.conformance import conformance_commands
from taigan.cli.trying.interfaces import interfaces
from taigan.cli.trying.signatures import explain_signature, sign
from taigan.cli.trying.tariff import tariff_commands
from taigan.cli.upkeep.barrier import barrier_commands
from taigan.cli.upkeep.database import database_commands
from taigan.cli.upkeep.device import device_commands
from taigan.cli.upkeep.doctor import doctor
from taigan.cli.upkeep.init import init
from taigan.cli.upkeep.key import key_commands
from taigan.cli.upkeep.person import person_commands
from taigan.cli.upkeep.privacy import privacy_commands
from taigan.cli.upkeep.token import token_commands

app = typer.Typer(
    name="taigan",
    help="抬杆 taigan: a parking-lot platform that speaks BoLink (泊链), and a BoLink to test it against.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(lot)
app.add_typer(hub_commands, name="hub")
app.command()(lanes)
app.command()(devices)
app.command()(face_terminal)
app.add_typer(device_commands, name="device")
app.command()(edge)
app.add_typer(barrier_commands, name="barrier")
app.add_typer(privacy_commands, name="privacy")
app.add_typer(database_commands, name="database")
app.command()(init)
app.command()(doctor)
app.command()(interfaces)
app.command()(sign)
app.command()(explain_signature)
app.add_typer(conformance_commands, name="conformance")
app.add_typer(tariff_commands, name="tariff")
app.add_typer(key_commands, name="key")
app.add_typer(token_commands, name="token")
app.add_typer(person_commands, name="person")


def main() -> None:
    """The command `taigan`."""
    app()
