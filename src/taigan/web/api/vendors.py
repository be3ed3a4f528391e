"""The accounts at BoLink."""

from __future__ import annotations

from litestar import Controller, put
from litestar.params import JSONBody

from taigan.lot.people.attendant import By
from taigan.web import resources as r
from taigan.web.api.common import (
    ACTS,
    Here,
    Id,
)


class Vendors(Controller):
    """The accounts at BoLink."""

    tags = ("vendors",)
    path = "/vendors"

    @put("/{union_id:str}/key", responses=ACTS)
    async def change_key(self, office: Here, union_id: Id, data: JSONBody[r.KeyChange]) -> r.KeyView:
        """Sign with another key from now on. The one before is accepted for `key_overlap` longer."""
        in_use = await office.attendant.rotate_key(union_id, data.key, By(data.operator, data.reason))
        return r.KeyView(in_use.union_id, in_use.valid_from, in_use.previous_until)
