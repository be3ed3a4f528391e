"""What an operator's or a program's request can meet.

- LotError
  - UnknownVendor, UnknownLot, UnknownLane, UnknownOrder, UnknownDelivery, UnknownErrand, UnknownDifference,
    UnknownAlarm, UnknownBlock
  - NobodyWaits     there is no order to release or refuse
  - BeingRaised     there is one, and the arm is being raised for it already
  - Conflict        the thing is not in a state that allows it
  - BadValue        a field cannot be used
  - CannotPrice     no price list says what the stay costs
  - BarrierFault    the barrier did not take the command
  - CarUnderArm     the arm is not lowered onto a car
  - BolinkSaysNo    BoLink was asked, and did not answer or refused
"""

from __future__ import annotations

from typing import ClassVar


class LotError(Exception):
    """Something was asked that cannot be done; `message` is for a person, `field` names the part that is wrong."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class UnknownVendor(LotError):
    """No vendor has this number."""

    code = "unknown_vendor"
    status = 404


class UnknownLot(LotError):
    """No lot has this id."""

    code = "unknown_lot"
    status = 404


class UnknownLane(LotError):
    """The lot has no such lane."""

    code = "unknown_lane"
    status = 404


class UnknownOrder(LotError):
    """The lot has no such order."""

    code = "unknown_order"
    status = 404


class UnknownDelivery(LotError):
    """The lot has no such delivery."""

    code = "unknown_delivery"
    status = 404


class UnknownAlarm(LotError):
    """The lot has no such alarm."""

    code = "unknown_alarm"
    status = 404


class UnknownErrand(LotError):
    """The lot asked BoLink for no such thing."""

    code = "unknown_errand"
    status = 404


class UnknownDifference(LotError):
    """The lot's reconciliation found no such difference."""

    code = "unknown_difference"
    status = 404


class BolinkSaysNo(LotError):
    """BoLink was asked something and did not answer it, or refused to."""

    code = "bolink"
    status = 502


class UnknownBlock(LotError):
    """Nobody is blocked under this id."""

    code = "unknown_block"
    status = 404


class NobodyWaits(LotError):
    """No order waits in this lane."""

    code = "nobody_waits"
    status = 409


class BeingRaised(LotError):
    """The arm is being raised for this order already, by the lift `lift_id`."""

    code = "being_raised"
    status = 409

    def __init__(self, message: str, field: str = "", *, lift_id: str = "") -> None:
        super().__init__(message, field)
        self.lift_id = lift_id


class Conflict(LotError):
    """The thing is not in a state that allows it."""

    code = "conflict"
    status = 409


class BadValue(LotError):
    """A field cannot be used."""

    code = "bad_value"
    status = 400


class CannotPrice(LotError):
    """No price list says what the stay costs."""

    code = "cannot_price"
    status = 409


class BarrierFault(LotError):
    """The barrier did not take the command."""

    code = "barrier_fault"
    status = 502


class CarUnderArm(LotError):
    """The arm is not lowered onto a car; it comes down when the car is gone."""

    code = "car_under_arm"
    status = 409
