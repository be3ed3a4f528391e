"""What the handlers of the API share: parameters, orders of lists, the errors each kind of address can give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter

from taigan.lot.people.by import By
from taigan.rights import Holder
from taigan.web.asgi import LARGEST_ID
from taigan.web.errors import ErrorBody
from taigan.web.shown import resources as r
from taigan.web.shown.office import Office
from taigan.web.shown.paging import Position

Id = Annotated[str, PathParameter(max_length=128, pattern=r.NO_NUL)]
Number = Annotated[int, PathParameter(ge=0, le=LARGEST_ID)]
Filter = Annotated[str, QueryParameter(max_length=128, pattern=r.NO_NUL, description="Only these; empty: all.")]

Here = NamedDependency[Office]
Who = NamedDependency[Holder]
AnyRequest = Request[Any, Any, Any]
BY_ID = Position(int)
BY_NAME = Position(str)
BY_NUMBER = Position(str, str)
BY_TIME = Position(datetime, str)


def says(*statuses: int) -> dict[int, ResponseSpec]:
    words = {
        400: "A value cannot be used; `field` names it.",
        401: "The token is missing or not one of ours.",
        403: "The token may not do this.",
        404: "There is no such thing.",
        409: "The thing is not in a state that allows it.",
        413: "The body is too large.",
        502: "The barrier did not take the command, or BoLink did not answer.",
        503: "The database does not answer.",
    }
    return {status: ResponseSpec(ErrorBody, generate_examples=False, description=words[status]) for status in statuses}


READS = says(400, 401, 403, 404, 503)
ACTS = says(400, 401, 403, 404, 409, 413, 503)
ASKS = says(400, 401, 403, 404, 409, 502, 503)
COMMANDS = says(400, 401, 403, 404, 409, 413, 502, 503)


def by_of(holder: Holder, given: r.Act | r.Again | None, act: str = "") -> By:
    """Who does it and why, by whose token: as the body says, else the token's name and `act`."""
    operator = (given.operator if given else None) or holder.name
    return By(operator, (given.reason if given else None) or f"{act} over the API", holder.name)
