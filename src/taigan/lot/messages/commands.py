"""Commands from afar: BoLink raises and lowers barriers (11.1) and corrects the free spaces (11.3)."""

from __future__ import annotations

from taigan import bolink
from taigan.barriers.barrier import LaneKey
from taigan.bolink import BadMessage, values
from taigan.bolink.chapters import commands
from taigan.lot import texts
from taigan.lot.errors import BeingRaised, LotError, NobodyWaits
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.lot.people.attendant import Attendant, lift_named
from taigan.lot.people.by import By
from taigan.lot.people.exit_acts import OWED, LetGo

OPERATOR = "BoLink"


class RemoteCommands:
    """Handles commands as if an attendant named BoLink gave them; all are recorded."""

    def __init__(self, attendant: Attendant, leaving: LeavingDesk) -> None:
        self._attendant = attendant
        self._leaving = leaving

    async def operate_liftrod(self, callback: Callback) -> Answered:
        """11.1: raise (let a waiting driver in, or just raise), hold open, or lower. Raises BadMessage, StorageError.

        The same `liftrod_id` moves the arm once; a command without one moves it as the message that it is, once too.
        """
        asked = bolink.read(callback.message, commands.OperateBarrier)
        if not asked.channel_id:
            raise BadMessage("channel_id", "is missing")
        if asked.operate not in tuple(values.BarrierOperation):
            raise BadMessage("operate", "is neither 0 nor 1")
        command_id = (asked.liftrod_id or "").strip()
        if len(command_id) > 64:
            raise BadMessage("liftrod_id", "has more than 64 characters")
        by = By(OPERATOR, f"11.1 {command_id or 'without number'}")
        try:
            await self._operate(callback.lot.lot_id, asked, by, command_id or callback.digest)
            state, text = 1, None
        except LotError as error:
            state, text = 0, texts.fitted(error.message)
        answer = commands.BarrierOperated(
            data_target="cloud",
            state=state,
            channel_id=asked.channel_id,
            operate=asked.operate,
            errmsg=text,
            liftrod_id=asked.liftrod_id,
        )
        return reply(answer, "operate_liftrod")

    async def space_notify(self, callback: Callback) -> Answered:
        """11.3: take over the total and the free spaces. Raises BadMessage, StorageError."""
        told = bolink.read(callback.message, commands.SetFreeSpaces)
        if not 0 <= told.total_space <= 10_000_000:
            raise BadMessage("total_space", "must be from 0 to 10000000")
        if not 0 <= told.free_space <= told.total_space:
            raise BadMessage("free_space", "must be from 0 to total_space")
        by = By(OPERATOR, f"11.3 {(told.message_uuid or '')[:64]}".strip())
        await self._attendant.set_spaces(callback.lot.lot_id, told.free_space, by, total=told.total_space)
        return reply(commands.FreeSpacesSet(state=1, errmsg="成功"), "space_notify")

    async def _operate(self, lot_id: str, asked: commands.OperateBarrier, by: By, command_id: str) -> None:
        channel_id = asked.channel_id or ""
        if asked.operate == values.BarrierOperation.LOWER:
            await self._attendant.close(lot_id, channel_id, by, command_id=command_id)
        elif asked.duration == values.RaisedFor.PERPETUAL:
            await self._attendant.hold(lot_id, channel_id, by, command_id=command_id)
        elif not await self._let_go(LaneKey(lot_id, channel_id), by, command_id):
            try:
                await self._attendant.release(lot_id, channel_id, by, asked.order_id or None, command_id=command_id)
            except NobodyWaits:
                await self._attendant.open(lot_id, channel_id, by, command_id=command_id)
            except BeingRaised as raised:
                await self._attendant.outcome_of(lot_id, raised.lift_id)

    async def _let_go(self, lane: LaneKey, by: By, command_id: str) -> bool:
        """Raise the arm for the car at an exit, what it owes being owed. False: nobody stands there."""
        picture = self._leaving.picture(lane)
        let_go = LetGo(
            lot_id=lane.lot_id,
            channel_id=lane.channel_id,
            by=by,
            picture=picture,
            unpaid=OWED,
            lift_id=lift_named(command_id),
        )
        lift, departure = await self._leaving.do_and_raise(let_go)
        if lift is not None:
            await self._attendant.outcome_of(lane.lot_id, lift.lift_id)
        return lift is not None or departure is not None
