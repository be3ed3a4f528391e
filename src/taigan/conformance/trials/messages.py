"""The content of each message that the kit sends, as documented; a case changes what it is about."""

from __future__ import annotations

import time
from typing import Any

from taigan.conformance.plan import Plan

Data = dict[str, Any]


class Messages:
    """Fills in what every message of a run has. Names are the wire's; None leaves a field out."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._vendor = {"park_id": plan.park_id, "union_id": plan.union_id}

    def _made(self, base: Data, changes: Data) -> Data:
        return {name: value for name, value in (base | changes).items() if value is not None}

    def entry(self, driver: str, lane: str, **changes: Any) -> Data:
        """5.7: a driver scanned the code of an entry lane."""
        base = {"car_number": driver, **self._vendor, "service_name": "nolicence_in_park"}
        base |= {"timetemp": int(time.time()), "channel_id": lane, "pay_user_id": f"kit-{driver}"}
        return self._made(base, changes)

    def sms(self, driver: str, mobile: str, **changes: Any) -> Data:
        """5.13: send an SMS code."""
        base = {"service_name": "verify_code", "car_number": driver, **self._vendor, "mobile_number": mobile}
        return self._made(base | {"pay_user_id": f"kit-{driver}"}, changes)

    def price(self, query: str, scene: int = 0, **changes: Any) -> Data:
        """5.1: what does the stay cost."""
        base: Data = {"service_name": "query_price", "park_id": self._plan.park_id, "pay_scene": scene}
        return self._made(base | {"query_order_no": query}, changes)

    def auto_pay(self, order: str, car: str, status: int, rand: str, **changes: Any) -> Data:
        """5.2: does the plate pay automatically."""
        base = {**self._vendor, "order_id": order, "service_name": "notice_car_owner", "car_number": car}
        return self._made(base | {"is_union_user": status, "rand": rand}, changes)

    def _posted(self, amount: Any) -> Data:
        return {
            "pay_time": int(time.time()),
            "arrive_money": amount,
            "fee": 0.0,
            "account_type": 1,
            "remark": "收到停车费",
        }

    def prepayment(self, order: str, car: str, trade: str, amount: Any, **changes: Any) -> Data:
        """5.3: paid inside the lot."""
        base = {"service_name": "prepay_order", "car_number": car, "prepay": amount, "order_id": order}
        base |= {"park_id": self._plan.park_id, "trade_no": trade, "pay_channel": 0, **self._posted(amount)}
        return self._made(base, changes)

    def picture(self, order: str, kind: str = "in", **changes: Any) -> Data:
        """5.4: the picture of an order."""
        base = {"comid": self._plan.park_id, "type": kind, "orderid": order, "service_name": "get_inpark_image"}
        return self._made(base, changes)

    def charge(self, order: str, car: str, trade: str, amount: Any, state: int = 1, **changes: Any) -> Data:
        """5.5: what became of an electronic charge at the exit."""
        base = {"service_name": "outpark", "state": state, "park_id": self._plan.park_id, "order_id": order}
        base |= {"trade_no": trade, "pay_type": "scancode", "total": amount, "car_number": car, **self._posted(amount)}
        base |= {"errmsg": "" if state == 1 else "支付中" if state == 2 else "支付失败", "pay_channel": 0}
        return self._made(base | {"out_channel_id": self._exit}, changes)

    @property
    def _exit(self) -> str:
        return self._plan.exit_lanes[0] if self._plan.exit_lanes else "B1"

    def refund(self, order: str, car: str, trade: str, amount: Any, state: int = 1, **changes: Any) -> Data:
        """5.6: what became of a refund."""
        posted = self._posted(0) | {"account_type": 0}
        del posted["pay_time"]
        base = {"service_name": "refund", "state": state, **self._vendor, "trade_no": trade, "refund_money": amount}
        base |= {"errmsg": "", "refund_channel": 0, "refund_time": int(time.time()), "car_number": car, **posted}
        return self._made(base | {"order_id": order}, changes)

    def renewal(self, car: str, card: str, trade: str, until: str, state: int = 1, **changes: Any) -> Data:
        """5.8: a monthly pass was paid."""
        base = {"state": state, "amount": 300.0, "park_id": self._plan.park_id}
        base |= {"service_name": "monthcard_pay", "car_number": car, "trade_no": trade, "card_id": card}
        base |= {"out_trade_no": f"our{trade}", **self._posted(300.0), "end_time": until}
        return self._made(base, changes)

    def recovered(self, order: str, car: str, trade: str, amount: Any, **changes: Any) -> Data:
        """5.9: an old order was paid."""
        base = {"state": 1, "park_id": self._plan.park_id, "order_id": order, "service_name": "repair"}
        base |= {"trade_no": trade, "pay_type": "repair", "pay_channel": 1, "total": amount, "errmsg": ""}
        return self._made(base | {"car_number": car, **self._posted(amount)}, changes)

    def placed(self, verb: str, trade: str, amount: str, **changes: Any) -> Data:
        """5.10 (plat_unified_order) and 5.11 (plat_escape_order): a payment that the lot placed."""
        base = {"park_id": self._plan.park_id, "service_name": verb, "state": 1, "amount": amount}
        base |= {"receipt_amount": "0.00994", "pay_platform_fee": "0.00006", "trade_no": trade}
        return self._made(base | {"pay_time": int(time.time()), "out_trade_no": f"M{trade}"}, changes)

    def change(self, order: str, car: str, trade: str, state: int, **changes: Any) -> Data:
        """5.12: change paid out as a red packet."""
        base = {"service_name": "recharge", "union_id": self._plan.union_id, "park_id": self._plan.park_id}
        base |= {"trade_no": trade, "recharge_money": 0.99, "state": state, "errmsg": "找零", "recharge_channel": 0}
        base |= {"recharge_time": int(time.time()), "car_number": car, "order_id": order, "remark": "现金找零"}
        return self._made(base, changes)

    def reduction(self, kind: int, car: str, **changes: Any) -> Data:
        """5.14: a third party reduces the fee."""
        base: Data = {"service_name": "pay_notice", "park_id": self._plan.park_id, "car_number": car, "type": kind}
        match kind:
            case 1:
                base |= {
                    "order_id": "ssss",
                    "trade_no": "ddddd",
                    "pay_time": 1500000000,
                    "pay_type": 1,
                    "payable": "50",
                }
                base |= {"act_total": "40", "deduction_count": "10", "deduction_money": "10"}
            case 2:
                base |= {"arrival_time": "2019-12-26 20:51:46", "check_out_time": "2019-12-28 21:51:46"}
                base |= {"car_number_type": "1"}
            case 3:
                base |= {"plat_form_id": 1, "start_charge_seq": "202008170000011121", "station_id": "1101020200A"}
        return self._made(base, changes)

    def barrier(self, lane: str, number: str, operate: int = 0, **changes: Any) -> Data:
        """11.1: raise (0) or lower (1)."""
        base = {"channel_name": lane, "operate": operate, "liftrod_id": number, "service_name": "operate_liftrod"}
        return self._made(base | {"park_id": self._plan.park_id, "channel_id": lane}, changes)

    def check_pass(self, car: str, amount: Any, **changes: Any) -> Data:
        """11.2: may this vehicle have a pass."""
        return self._made({**self._vendor, "service_name": "check_vip", "car_number": car, "amount": amount}, changes)

    def spaces(self, total: int, free: int, number: str) -> Data:
        """11.3: the free spaces; the number tells the same spaces told anew from the same message again."""
        base = {**self._vendor, "service_name": "space_notify", "message_uuid": number}
        return base | {"total_space": total, "free_space": free}

    def special(self, verb: str, car: str, kind: str, **changes: Any) -> Data:
        """11.4: white and black list."""
        base = {**self._vendor, "service_name": "special_plate", "type": verb, "car_number": car, "car_type": kind}
        return self._made(base, changes)

    def passed(self, verb: str, car: str, card: str, **changes: Any) -> Data:
        """11.5: a monthly pass."""
        base = {**self._vendor, "service_name": "car_info", "type": verb, "car_number": car, "card_id": card}
        base |= {"car_type": "1", "start_time": "2026-01-01 00:00:00", "end_time": "2030-01-31 23:59:59"}
        return self._made(base, changes)

    def vehicle(self, car: str, kind: str) -> Data:
        """11.6: what the lot knows of a vehicle: type 0 pass, 1 special."""
        return {**self._vendor, "service_name": "query_car_info", "car_number": car, "type": kind}

    def invoice(self, payid: str, order: str) -> Data:
        """11.7: an invoice was issued."""
        base = {"union_id": self._plan.union_id, "park_id": self._plan.park_id, "service_name": "invoice_notify"}
        return base | {"payid": payid, "out_trade_no": order, "invoice_type": "1", "invoice_no": "12345678"}
