"""Who speaks to the API, and whether they may. An address without a right of its own cannot be reached."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from taigan.lot.errors import UnknownLot
from taigan.rights import Holder, Right
from taigan.web.api.common import AnyRequest
from taigan.web.errors import Refused


def holder_of(request: AnyRequest) -> Holder:
    """Whoever speaks, as the token was found."""
    holder: Holder = request.scope["state"]["holder"]
    return holder


async def holder_again(request: AnyRequest) -> Holder | None:
    """Whoever speaks, looked up anew; None when the token was revoked. Raises StorageError."""
    found: Holder | None = await request.scope["state"]["holder_again"]()
    return found


def allowed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every address: one of its rights is needed, in the lot that it names.

    OPTIONS, which the framework answers by itself with the methods of an address, needs none.

    Raises:
        UnknownLot: the lot is none of theirs, whether it exists or not.
        Refused: 403, they may not.
    """
    scope: Any = connection.scope
    if scope["method"] == "OPTIONS":
        return
    holder: Holder = scope["state"]["holder"]
    rights = rights_at(handler)
    lot_id = connection.path_params.get("lot_id")
    if lot_id is None:
        may = any(holder.may_somewhere(right) for right in rights)
    else:
        if not holder.knows(lot_id):
            raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
        may = any(holder.may(right, lot_id) for right in rights)
    if not may:
        raise forbidden(holder, *rights)


def rights_at(handler: BaseRouteHandler) -> tuple[Right, ...]:
    """The rights of which one is needed at an address. Raises KeyError for an address that names none."""
    named: Right | tuple[Right, ...] = handler.opt["right"]
    return (named,) if isinstance(named, Right) else named


def need(holder: Holder, right: Right, lot_id: str) -> None:
    """What an address asks for beyond its own right, once the body says what is meant. Raises `Refused`: 403."""
    if not holder.may(right, lot_id):
        raise forbidden(holder, right)


def forbidden(holder: Holder, *rights: Right) -> Refused:
    """The holder is known and may not do this."""
    return Refused(403, "forbidden", f"{holder.name} may not do this: it takes {' or '.join(rights)}")
