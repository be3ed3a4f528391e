"""Everything under `/api`: the token, the path and the size are looked at before anything else."""

from __future__ import annotations

from functools import partial
from typing import Any

from taigan.lot.messages.kept import LARGEST_PICTURE
from taigan.rights import Holder
from taigan.storage.errors import StorageError
from taigan.web import tokens
from taigan.web.api.framework import described, framework
from taigan.web.asgi import (
    ClientGone,
    Receive,
    Scope,
    Send,
    TooLarge,
    TooSlow,
    encoded_path,
    path_parts,
    read_body,
    replay,
    respond,
)
from taigan.web.errors import Refused, bad_value, not_found, of_storage, send_refusal
from taigan.web.shown.office import Office

BODY_LIMIT = 64 * 1024
PICTURE_WITHIN = 60.0
"""Seconds that a picture may be on its way, as long as it moves."""


class Api:
    """Everything under `/api`: no path, no body and no method is looked at before the token."""

    def __init__(self, office: Office, *, body_timeout: float) -> None:
        self._office = office
        self._database = office.database
        self._framework: Any = framework()
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == "/api/v1/openapi.json" and scope["method"] == "GET":
                await respond(send, 200, described(), "application/json")
                return
            token = _token(scope)
            holder = await self._holder(token)
            parts = path_parts(scope)
            is_picture = scope["method"] == "PUT" and parts[-2:-1] == ["pictures"]
            body = await self._body(receive, LARGEST_PICTURE if is_picture else BODY_LIMIT)
        except ClientGone:
            return
        except UnicodeDecodeError:
            await send_refusal(send, bad_value("the address is not UTF-8"))
            return
        except Refused as refused:
            await send_refusal(send, refused)
            return
        except StorageError as error:
            await send_refusal(send, of_storage(error, "/api"))
            return
        if "" in parts:
            await send_refusal(send, not_found())
            return
        inner = dict(scope)
        inner["path"] = encoded_path(parts)
        inner["state"] = {
            **scope.get("state", {}),
            "office": self._office,
            "holder": holder,
            "holder_again": partial(tokens.bearer, self._database, token),
        }
        await self._framework(inner, replay(body, receive), send)

    async def _holder(self, token: str) -> Holder:
        holder = await tokens.bearer(self._database, token) if token else None
        if holder is None:
            wanted = "the header Authorization: Bearer TOKEN is needed"
            raise Refused(401, "unauthorized", wanted, headers={"www-authenticate": "Bearer"})
        return holder

    async def _body(self, receive: Receive, limit: int) -> bytes:
        close = {"connection": "close"}
        try:
            if limit == BODY_LIMIT:
                return await read_body(receive, limit=limit, timeout=self._body_timeout)
            return await read_body(receive, limit=limit, timeout=PICTURE_WITHIN, piece_timeout=self._body_timeout)
        except TooLarge:
            raise Refused(413, "too_large", f"the body has more than {limit} bytes", headers=close) from None
        except TooSlow:
            raise Refused(408, "too_slow", "the body did not come in time", headers=close) from None


def _token(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    kind, _, token = given.decode("latin-1").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
