"""The scheme before this document's, which clients in the field still speak: flat JSON on paths of its own.

`{"union_id": …, …, "sign": "…"}`. Signed are the members but `sign`, without those that are empty, sorted, `k=v` joined
by `&`, then `key=` and KEY. Seen in public clients only: the document knows neither the paths nor the signature, and
both count on these paths and nowhere else.
"""

from __future__ import annotations

import msgspec

from taigan.bolink.errors import BadMessage
from taigan.bolink.wire.envelope import Envelope, open_flat
from taigan.bolink.wire.signing import LONGEST_COMPACT, Signature, SignedText, pairs_of

SECTIONS = {
    "/unionapi/order/addorder": "3.1",
    "/unionapi/order/updateorder": "3.2",
    "/unionapi/park/addpark": "2.1",
    "/unionapi/park/updatepark": "2.2",
}
"""Which interface of the document each of its paths is."""


def open_predecessor(body: bytes) -> Envelope:
    """A flat signed body taken apart; `text` is the message without its `sign`. Raises BadMessage."""
    envelope = open_flat(body)
    if len(body) > LONGEST_COMPACT:
        raise BadMessage("body", f"is above {LONGEST_COMPACT} bytes")
    try:
        members = msgspec.json.decode(envelope.text, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise BadMessage("body", "is not a JSON object") from error
    try:
        signature = msgspec.json.decode(members.pop("sign", msgspec.Raw(b'""')), type=str)
    except msgspec.DecodeError as error:
        raise BadMessage("sign", "is not text") from error
    if not signature:
        raise BadMessage("sign", "is missing")
    return msgspec.structs.replace(envelope, text=msgspec.json.encode(members), sign=signature)


def verify_predecessor(text: bytes, signature: str, key: str) -> Signature | None:
    """Is this the predecessor's signature of a message? With and without `&` before `key=`. Never raises."""
    try:
        pairs = pairs_of(text)
    except ValueError:
        return None
    ways = (SignedText(pairs), SignedText(pairs + b"&"))
    return Signature.SORTED if any(way.verify(signature, key) is Signature.RAW for way in ways) else None
