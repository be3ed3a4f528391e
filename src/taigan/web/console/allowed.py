"""Whether a visitor may open a page. An address without a right of its own cannot be reached."""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from taigan.lot.errors import UnknownLot
from taigan.rights import Right
from taigan.web.console.signing.accounts import form_token
from taigan.web.console.visit import Visit


class Who(StrEnum):
    """Pages that take no right."""

    ANYBODY = "anybody"
    PERSON = "person"  # whoever is signed in


class SignInFirst(Exception):
    """Nobody is signed in, or not wholly."""


class SetUpFirst(Exception):
    """The person must do something about their account before anything else; `path` is where."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class NotAllowed(Exception):
    """The person may not do this; `rights`: one of these is needed."""

    def __init__(self, *rights: Right) -> None:
        super().__init__(*rights)
        self.rights = rights


class StaleForm(Exception):
    """A form was not sent by a page of this session. `name`: whose page it was, where it was another person's."""

    def __init__(self, login: str = "") -> None:
        super().__init__(login)
        self.login = login


def allowed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every page: its form is ours, and one of its rights is held in the lot that it names.

    Raises SignInFirst, SetUpFirst, UnknownLot (also for a lot that is none of theirs), NotAllowed, StaleForm.
    """
    scope: Any = connection.scope
    visit: Visit = scope["state"]["visit"]
    needed = rights_at(handler)
    if visit.method not in ("GET", "HEAD"):
        _check_form(visit)
    if needed is Who.ANYBODY:
        return
    if visit.signed is None or not visit.signed.session.whole:
        raise SignInFirst
    if not visit.path.startswith("/account"):
        if visit.signed.person.must_change and not visit.signed.session.issuer:
            raise SetUpFirst("/account")
        if visit.accounts.needs_second_factor(visit.signed):
            raise SetUpFirst("/account/second-factor")
    lot_id = connection.path_params.get("lot_id")
    if lot_id is not None and visit.lot is None:
        raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
    if needed is not Who.PERSON and not any(visit.may(right) for right in needed):
        raise NotAllowed(*needed)


def rights_at(handler: BaseRouteHandler) -> tuple[Right, ...] | Who:
    """The rights of which one is needed at an address, or who may come. Raises KeyError where none is named."""
    named: Right | tuple[Right, ...] | Who = handler.opt["right"]
    return (named,) if isinstance(named, Right) else named


def need(visit: Visit, right: Right) -> None:
    """What a page asks for beyond its own right, once the form says what is meant. Raises NotAllowed."""
    if not visit.may(right):
        raise NotAllowed(right)


def _check_form(visit: Visit) -> None:
    given = visit.form.get("token", "")
    login, _, _ = given.rpartition(".")
    own = visit.signed.person.login if visit.signed is not None else ""
    if not visit.token or not hmac.compare_digest(given.encode(), form_token(visit.token, own).encode()):
        raise StaleForm(login if login != own else "")
