"""The accounts at BoLink."""

from __future__ import annotations

from litestar import Controller, put
from litestar.params import JSONBody

from taigan.lot.errors import UnknownVendor
from taigan.rights import Right
from taigan.web.api.common import ACTS, Here, Id, Who, by_of
from taigan.web.errors import Refused
from taigan.web.shown import resources as r


class Vendors(Controller):
    """The accounts at BoLink."""

    tags = ("vendors",)
    path = "/vendors"

    @put("/{union_id:str}/key", responses=ACTS, right=Right.KEY_SET)
    async def change_key(self, office: Here, holder: Who, union_id: Id, data: JSONBody[r.KeyChange]) -> r.KeyView:
        """Sign with another key from now on. Those before are accepted for `overlap` seconds, or `key_overlap`."""
        lots = await office.lots_of(union_id)
        may = holder.may_everywhere(Right.KEY_SET) or (lots and all(holder.may(Right.KEY_SET, lot) for lot in lots))
        if not may:
            if not any(map(holder.knows, lots)):
                raise UnknownVendor(f"there is no vendor {union_id}", "union_id")
            raise Refused(403, "forbidden", f"the key serves all lots of {union_id}; {holder.name} has only some")
        in_use = await office.attendant.rotate_key(union_id, data.key, by_of(holder, data), data.overlap)
        return r.KeyView(in_use.union_id, in_use.valid_from, in_use.previous_until)
