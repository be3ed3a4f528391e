"""A client for the interfaces that a lot platform calls at BoLink.

It brings no network library: it is handed a `Transport`. `taigan.bolink.transport.StandardTransport` needs the standard
library alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar, cast
from urllib.parse import urlencode

import msgspec

from taigan.bolink.chapters import community, invoices, lots, reconciliation, reports, trade
from taigan.bolink.describing.catalogue import CATALOGUE, by_section
from taigan.bolink.describing.interface import Direction, Interface, Wrapping
from taigan.bolink.errors import BadAnswer, BadMessage, TimedOut, Unreachable
from taigan.bolink.fields import CLIENTS_OWN, Message
from taigan.bolink.wire.addresses import Addresses
from taigan.bolink.wire.signing import sign_page

R = TypeVar("R")
A = TypeVar("A")

PAUSES = (0.5, 2.0)
"""Seconds before the second and the third attempt of what may be repeated."""


class Transport(Protocol):
    """How bytes get to the other side."""

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Posts a JSON body; the HTTP status and the body of the answer.

        Raises Unreachable when there is no way there or the connection broke, TimedOut after `timeout` seconds.
        """


class Call(Generic[R, A]):
    """One interface of one client: call it with the request, get the answer."""

    def __init__(self, client: BolinkClient, interface: Interface[R, A]) -> None:
        self.interface = interface
        self._client = client
        self.__doc__ = f"{interface.section} {interface.title_zh}: {interface.title}. {interface.note}".strip()

    async def __call__(self, request: R, *, platform_name: str = "") -> A:
        """Sends the request. `platform_name` is the platform that chapter 8 reports to.

        Raises BadMessage when the request is not as documented, else Unreachable, TimedOut, BadAnswer or Refused.
        """
        return await self._client.call(self.interface, request, platform_name=platform_name)


class BolinkClient:
    """Calls BoLink for one vendor (union_id).

    `key` is the vendor's KEY, or a function that gives the one of the moment. `timeout` is in seconds. What the
    catalogue declares safe to repeat is sent up to three times when it could not be delivered or was not answered.
    """

    publish_lot: Call[lots.PublishLot, lots.LotPublished]
    update_lot: Call[lots.UpdateLot, lots.LotUpdated]
    get_qr_code: Call[lots.GetQrCode, lots.QrCode]
    set_sms_check: Call[lots.SetSmsCheck, lots.SmsCheckSet]
    onboard_lot: Call[lots.OnboardLot, lots.LotOnboarded]
    entry: Call[trade.Entry, trade.EntryTaken]
    exit: Call[trade.Exit, trade.ExitTaken]
    renew_pass: Call[trade.RenewPass, trade.PassRenewal]
    pay_parking: Call[trade.PayParking, trade.ParkingPayment]
    get_split_contract: Call[trade.GetSplitContract, trade.SplitContract]
    bind_split_receiver: Call[trade.BindSplitReceiver, trade.SplitReceiverBound]
    pay_by_etc: Call[trade.PayByEtc, trade.EtcPayment]
    query_escapes: Call[trade.QueryEscapes, trade.Escapes]
    pay_escape: Call[trade.PayEscape, trade.EscapePayment]
    give_change: Call[trade.GiveChange, trade.RedPacket]
    upload_charging_reduction: Call[trade.ChargingReduction, trade.ChargingReductionTaken]
    query_orders: Call[reconciliation.QueryOrders, reconciliation.Orders]
    refund: Call[reconciliation.Refund, reconciliation.RefundState]
    query_payment: Call[reconciliation.QueryPayment, reconciliation.Payments]
    query_withdrawals: Call[reconciliation.QueryWithdrawals, reconciliation.Withdrawals]
    add_invoice_order: Call[invoices.AddInvoiceOrder, invoices.InvoiceOrderAdded]
    query_issuer: Call[invoices.QueryIssuer, invoices.Issuer]
    issue_invoice: Call[invoices.IssueInvoice, invoices.InvoiceRequested]
    query_invoice: Call[invoices.QueryInvoice, invoices.Invoice]
    log_in: Call[community.Login, community.LoggedIn]
    report_community: Call[community.Community, community.CommunityReported]
    report_device: Call[community.Device, community.DeviceReported]
    report_face: Call[community.Face, community.FaceReported]
    report_person: Call[community.PersonRecord, community.PersonReported]
    query_reports: Call[community.QueryReports, community.Reports]
    query_platforms: Call[community.QueryPlatforms, community.Platforms]
    correct_stay: Call[reports.CorrectStay, reports.StayCorrected]
    count_parked: Call[reports.CountParked, reports.ParkedCount]
    list_parked: Call[reports.ListParked, reports.Parked]
    check_entry: Call[reports.CheckEntry, reports.EntryCheck]
    get_screen_text: Call[reports.GetScreenText, reports.ScreenText]
    list_passes: Call[reports.ListPasses, reports.Passes]

    def __init__(
        self,
        union_id: int | str,
        key: Callable[[], str] | str,
        addresses: Addresses,
        transport: Transport,
        timeout: float = 5.0,
        *,
        pauses: tuple[float, ...] = PAUSES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.union_id = union_id
        self.addresses = addresses
        self._key = key
        self._transport = transport
        self._timeout = timeout
        self._pauses = pauses
        self._sleep = sleep
        self._now = now
        for interface in CATALOGUE:
            if interface.direction is Direction.UPLINK and interface.method:
                setattr(self, interface.method, Call(self, interface))

    async def call(self, interface: Interface[R, A], request: R, *, platform_name: str = "") -> A:
        """Sends a request and reads its answer, repeating it where that is safe.

        A request without `union_id` gets the client's. Raises BadMessage when it has another vendor's.
        """
        text = interface.write(self._named(request))
        for pause in self._pauses if interface.repeat.safe else ():
            try:
                return await self.send_text(interface, text, platform_name=platform_name)
            except (Unreachable, TimedOut, BadAnswer):
                await self._sleep(pause)
        return await self.send_text(interface, text, platform_name=platform_name)

    async def send_text(self, interface: Interface[R, A], text: bytes, *, platform_name: str = "") -> A:
        """Signs a `data` text that is already frozen, sends it once and reads the answer."""
        key = self._key_now()
        timestamp = int(self._now()) if interface.wrapping is Wrapping.PLATFORM else None
        body = interface.body(text, key, self.union_id, platform_name=platform_name, timestamp=timestamp)
        url = self.addresses.url(interface)
        status, raw = await self._transport.post(url, body, timeout=self._timeout)
        return interface.read_answer(raw, status)

    def onboarding_page(self, park_id: str) -> str:
        """The address of the page where a lot's merchant data are entered (2.4), signed with the present time."""
        timestamp = int(self._now() * 1000)
        query = {
            "park_id": park_id,
            "union_id": str(self.union_id),
            "is_private_cloud": "1",
            "timestamp": str(timestamp),
            "sign": sign_page(timestamp, self._key_now()),
        }
        return f"{self.addresses.url(by_section('2.4'))}?{urlencode(query)}"

    def licence_page(self, redirect_url: str) -> str:
        """The address that sends a driver's browser to `redirect_url` with the driver's no-plate number (7)."""
        return f"{self.addresses.url(by_section('7'))}?{urlencode({'redirectUrl': redirect_url})}"

    def _named(self, request: R) -> R:
        given = getattr(request, "union_id", None)
        if given is None or str(given) == str(self.union_id):
            return request
        if given != CLIENTS_OWN:
            raise BadMessage("union_id", f"is {given}, and the client's is {self.union_id}")
        if not str(self.union_id).isdecimal():
            raise BadMessage("union_id", f"is no number: {self.union_id}")
        return cast(R, msgspec.structs.replace(cast(Message, request), union_id=int(self.union_id)))

    def _key_now(self) -> str:
        return self._key if isinstance(self._key, str) else self._key()
