"""`taigan sign` and `taigan explain-signature`: the signature of a message worked out, and why another one is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, fail, read_settings

if TYPE_CHECKING:
    from taigan.bolink import Envelope

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="A file with the key; else TAIGAN_KEY, else the message's vendor in taigan.toml.",
        show_default=False,
    ),
]


def sign(
    file: Annotated[Path, typer.Argument(help="The text of data, or a whole body; - for standard input.")] = Path("-"),
    body: Annotated[bool, typer.Option("--body", help="Print the whole signed body.")] = False,
    key_file: KeyFile = None,
    config: Config = None,
) -> None:
    """Print the signature of a message, and on standard error how it comes about, the key hidden."""
    from taigan.bolink import seal
    from taigan.bolink.advice.wrong_signatures import worked_out

    text, _, envelope = _message(_read(file))
    key, _ = _keys(envelope, key_file, config)
    shown = worked_out(text, key)
    typer.echo(f"签的文字 signed text:  {shown.text}\nMD5 (UTF-8):           {shown.digest}", err=True)
    typer.echo(seal(text, key).decode() if body else shown.sign)


def explain_signature(
    file: Annotated[Path, typer.Argument(help="The whole body as it was sent; - for standard input.")],
    key_file: KeyFile = None,
    config: Config = None,
) -> None:
    """Say whether the signature of a body is right, and if not, which usual mistake made it. Ends with 0 or 1."""
    from taigan.bolink import SignedText
    from taigan.bolink.advice.wrong_signatures import why_wrong, worked_out

    text, body, envelope = _message(_read(file))
    if envelope is None:
        fail("that is no whole body: it has no data, or no sign; taigan sign signs the text of data alone", 2)
    key, others = _keys(envelope, key_file, config)
    form = SignedText(text).verify(envelope.sign, key)
    if form is not None:
        typer.echo(f"签名正确 The signature is right ({form.value}).")
        return
    zh, en = why_wrong(text, envelope.sign, key, body=body, other_keys=others)
    shown = worked_out(text, key)
    typer.echo("签名错误 The signature is wrong.")
    typer.echo(f"  原因  {zh}\n  why   {en}")
    typer.echo(f"  收到 received  {envelope.sign}\n  正确 right     {shown.sign}")
    typer.echo(f"  签的文字 signed text  {shown.text}")
    raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)


def _message(content: bytes) -> tuple[bytes, bytes, Envelope | None]:
    """The text of `data`, the content, and the body taken apart where it is a whole one."""
    import msgspec

    from taigan.bolink import BadMessage, open_envelope

    try:
        envelope = open_envelope(content)
    except BadMessage as error:
        try:
            members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            members = {}
        if error.field == "sign" and "data" in members:
            return bytes(members["data"]), content, None
        return content.strip(), content, None
    return envelope.text, content, envelope


def _keys(envelope: Envelope | None, key_file: Path | None, config: Path | None) -> tuple[str, dict[str, str]]:
    """The key to sign with, and the other vendors' by their union_id."""
    if key_file is not None:
        return _read(key_file).decode("utf-8", "replace").strip(), {}
    if key := os.environ.get("TAIGAN_KEY", ""):
        return key, {}
    vendors = {str(vendor.union_id): vendor.key for vendor in read_settings(config).vendors}
    union_id = envelope.union_id if envelope is not None else ""
    if not union_id and len(vendors) == 1:
        union_id = next(iter(vendors))
    if union_id not in vendors:
        known = ", ".join(vendors) or "there are none"
        fail(f"no key for union_id {union_id or '(none given)'} in taigan.toml ({known}); give --key-file", 2)
    return vendors[union_id], {other: key for other, key in vendors.items() if other != union_id}
