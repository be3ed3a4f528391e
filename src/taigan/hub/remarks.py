"""What a person should know of a message that came or was answered: why its signature is wrong, or "accepted, but"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from taigan.bolink import AnyInterface, Envelope, Signature
from taigan.bolink.advice.remarks import Kind, Remark, on_answer, on_envelope, on_request
from taigan.bolink.advice.wrong_signatures import UNEXPLAINED, why_wrong

SIGNATURE = "sign"


class Note(msgspec.Struct, frozen=True):
    """One remark, as it is kept and shown."""

    kind: str
    """`signature`, `unreached`, or what `taigan.bolink.advice.remarks.Kind` lists."""
    field: str
    """The wire name with the path to it; `body` for the whole, `path` or `url` for the address."""
    zh: str
    en: str


def rows(notes: list[Note]) -> list[dict[str, str]]:
    """The notes as they are kept."""
    return [msgspec.structs.asdict(note) for note in notes]


def for_log(notes: list[Note]) -> dict[str, str]:
    """The notes as one member of a log line; nothing when there are none."""
    return {"but": "; ".join(f"{note.field}: {note.en}" for note in notes)} if notes else {}


def of_arrival(
    interface: AnyInterface, body: bytes, envelope: Envelope, signature: Signature | None, now: datetime
) -> list[Note]:
    """Notes on a readable message to BoLink whose signature holds, or that has none."""
    found = [*on_envelope(interface, body, envelope, signature), *on_request(interface, envelope.text, now)]
    return [_note(remark) for remark in found]


def of_predecessor(interface: AnyInterface, envelope: Envelope, now: datetime) -> list[Note]:
    """Notes on a message that came in the scheme before this document's."""
    old = Note(
        "shape",
        "path",
        f"是旧协议的地址和签名；现在是 {interface.path}",
        f"is the predecessor's address and signature; it is {interface.path} now",
    )
    return [old, *(_note(remark) for remark in on_request(interface, envelope.text, now))]


def of_answer(interface: AnyInterface, body: bytes, status: int, now: datetime) -> list[Note]:
    """Notes on a lot's answer."""
    return [_note(remark) for remark in on_answer(interface, body, now, status)]


def of_wrong_signature(envelope: Envelope, body: bytes, key: str, others: Mapping[str, str]) -> list[Note]:
    """The usual mistake behind a wrong signature, or what its looks tell, or that the key is probably another one."""
    zh, en = said = why_wrong(envelope.text, envelope.sign, key, body=body, other_keys=others)
    if said == UNEXPLAINED:
        zh, en = f"{zh}（密钥应是 taigan.toml 里这个厂商的 key）", f"{en} (it is the vendor's key in taigan.toml)"
    return [Note("signature", SIGNATURE, zh, en)]


def of_wrong_predecessor() -> Note:
    """A signature in the scheme before this document's that is wrong."""
    return Note(
        "signature",
        SIGNATURE,
        "旧地址按旧协议验签：键名排序的 k=v 用 & 连起来，再接 key= 和密钥；签名或密钥不对",
        "the old addresses take the predecessor's signature: sorted k=v joined by &, then key= and KEY; it, or "
        "the key, is another one",
    )


def of_wrong_address(near: str) -> Note:
    """An address that nobody serves, and the one that was probably meant."""
    if not near:
        return Note(Kind.UNKNOWN.value, "path", "文档里没有这个地址", "is no address of the document")
    return Note(
        Kind.UNKNOWN.value,
        "path",
        f"文档里没有这个地址；是不是 {near}？",
        f"is no address of the document; did you mean {near}?",
    )


def of_unreached(zh: str, en: str) -> list[Note]:
    """Why a message did not reach a lot."""
    return [Note("unreached", "url", zh, en)]


def _note(remark: Remark) -> Note:
    return Note(remark.kind.value, remark.field, remark.zh, remark.en)
