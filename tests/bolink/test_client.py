"""The client: one method per uplink, one result or one error."""

from __future__ import annotations

from typing import Any, get_type_hints
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from taigan.bolink import (
    CATALOGUE,
    PRODUCTION,
    TEST,
    Addresses,
    AnyInterface,
    BadAnswer,
    BadMessage,
    BolinkClient,
    BolinkError,
    Direction,
    Entry,
    GetQrCode,
    Refused,
    TimedOut,
    Unreachable,
    by_section,
    by_service,
    example_of,
    open_envelope,
    verify,
    write,
)
from taigan.bolink.chapters.community import PersonRecord
from taigan.bolink.chapters.invoices import QueryInvoice, QueryIssuer
from taigan.bolink.chapters.lots import OnboardingPage
from taigan.bolink.chapters.trade import QueryEscapes
from taigan.bolink.wire.client import Call

KEY = "NQ0eSXs720170114"
ENTRY = Entry(
    car_number="京A12345", in_time=1484369702, order_id="109010", empty_plot=20, park_id="21798", union_id=200185
)
TAKEN = '{"order_id":"109010","state":1,"errmsg":"上传成功"}'.encode()
UPLINKS = [interface for interface in CATALOGUE if interface.direction is Direction.UPLINK]


class Wire:
    """A transport that answers from a list and keeps what was sent."""

    def __init__(self, *answers: bytes | BolinkError | tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, bytes]] = []
        self.timeouts: list[float] = []

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        self.sent.append((url, body))
        self.timeouts.append(timeout)
        answer = self.answers.pop(0)
        if isinstance(answer, BolinkError):
            raise answer
        return answer if isinstance(answer, tuple) else (200, answer)


def client(wire: Wire, addresses: Addresses = TEST, pauses_taken: list[float] | None = None) -> BolinkClient:
    async def sleep(seconds: float) -> None:
        if pauses_taken is not None:
            pauses_taken.append(seconds)

    return BolinkClient(200185, lambda: KEY, addresses, wire, timeout=3.0, sleep=sleep, now=lambda: 1584082770.0)


async def test_an_entry_goes_out_signed_and_its_answer_comes_back_typed() -> None:
    wire = Wire(TAKEN)
    answer = await client(wire).entry(ENTRY)
    assert (answer.order_id, answer.state, answer.errmsg) == ("109010", 1, "上传成功")
    ((url, body),) = wire.sent
    assert url == "https://beta.bolink.club/unionapi/neworder/addorder"
    envelope = open_envelope(body)
    assert envelope.text == write(ENTRY)
    assert verify(envelope.text, envelope.sign, KEY) == "raw"
    assert wire.timeouts == [3.0]


def of_this_vendor(request: Any) -> Any:
    """A documented example, sent by the client's own vendor."""
    return msgspec.structs.replace(request, union_id=200185) if hasattr(request, "union_id") else request


@pytest.mark.parametrize("interface", UPLINKS, ids=lambda interface: interface.section)
async def test_every_uplink_has_a_method_that_sends_its_request_and_reads_its_answer(interface: AnyInterface) -> None:
    request, answer = of_this_vendor(example_of(interface.request)), example_of(interface.answer)
    wire = Wire(write(answer))
    assert await getattr(client(wire, Addresses.at("http://127.0.0.1:1/")), interface.method)(request) == answer
    ((url, body),) = wire.sent
    assert url == f"http://127.0.0.1:1{interface.path}"
    assert interface.read_request(open_envelope(body).text) == request


def test_the_typed_methods_are_those_of_the_catalogue() -> None:
    declared = {name: hint for name, hint in get_type_hints(BolinkClient).items() if hint.__origin__ is Call}
    assert declared == {
        interface.method: Call[interface.request, interface.answer]  # type: ignore[name-defined]
        for interface in UPLINKS
    }


def test_a_method_says_what_it_is_for() -> None:
    assert "3.1 提交停车进场纪录" in (client(Wire()).entry.__doc__ or "")
    assert "own design" in (client(Wire()).log_in.__doc__ or "")


async def test_union_id_goes_beside_data_where_the_document_has_it_there() -> None:
    wire = Wire(b'{"state":1}')
    await client(wire).query_escapes(QueryEscapes(park_id="21888", car_number="A", time_temp="1490875218"))
    assert list(msgspec.json.decode(wire.sent[0][1])) == ["union_id", "sign", "data"]


async def test_smart_community_reports_carry_platform_and_time_and_their_verdict_is_a_text_inside() -> None:
    wire = Wire('{"code":1,"data":"{\\"state\\":1,\\"message\\":\\"上报成功\\"}","message":"成功"}'.encode())
    answer = await client(wire).report_person(PersonRecord(community_name="陈前小区"), platform_name="shanghai")
    envelope = open_envelope(wire.sent[0][1])
    assert (envelope.platform_name, envelope.union_id, envelope.timestamp) == ("shanghai", "200185", "1584082770")
    assert answer.verdict().message == "上报成功"


async def test_a_report_that_is_refused_inside_its_text_is_refused() -> None:
    wire = Wire('{"code":1,"data":"{\\"state\\":0,\\"message\\":\\"平台不支持\\"}","message":"成功"}'.encode())
    with pytest.raises(Refused) as caught:
        await client(wire).report_person(PersonRecord(community_name="陈前小区"), platform_name="shanghai")
    assert caught.value.text == "平台不支持"


@pytest.mark.parametrize(
    ("wire", "text", "state"),
    [
        ('{"state":0,"errmsg":"签名错误"}', "签名错误", 0),
        ('{"state":"0","errmsg":"签名错误"}', "签名错误", 0),
        ('{"state":9,"errmsg":""}', "", 9),
    ],
)
async def test_an_answer_that_says_no_is_refused_with_its_text(wire: str, text: str, state: int) -> None:
    with pytest.raises(Refused) as caught:
        await client(Wire(wire.encode())).entry(ENTRY)
    assert (caught.value.text, caught.value.state, caught.value.raw) == (text, state, wire.encode())


async def test_a_refusal_counts_whatever_the_http_status_below_500() -> None:
    with pytest.raises(Refused):
        await client(Wire((401, '{"state":0,"errmsg":"签名错误"}'.encode()))).entry(ENTRY)


@pytest.mark.parametrize("errmsg", ["订单已存在", " 订单已存在 "])
async def test_an_entry_that_exists_already_counts_as_taken(errmsg: str) -> None:
    answer = await client(Wire(f'{{"state":0,"errmsg":"{errmsg}"}}'.encode())).entry(ENTRY)
    assert answer.state == 0


async def test_the_success_marker_of_invoices_is_200_in_one_place_and_0_in_another() -> None:
    issuer, invoice = of_this_vendor(example_of(QueryIssuer)), of_this_vendor(example_of(QueryInvoice))
    details = b'"data":{"open_invoice":1,"start_time":1,"state":1,"end_time":2}'
    assert (await client(Wire(b'{"code":200,' + details + b"}")).query_issuer(issuer)).code == 200
    with pytest.raises(Refused):
        await client(Wire(b'{"code":0,"message":"no"}')).query_issuer(issuer)
    assert (await client(Wire(b'{"code":0,"data":{"message":"","status":5}}')).query_invoice(invoice)).code == 0
    with pytest.raises(Refused):
        await client(Wire(b'{"code":200,"data":{"message":"","status":"5"}}')).query_invoice(invoice)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"order_id":"1"}',
        b'{"state":1}',
        "{车}".encode("gbk"),
        (500, TAKEN),
        (502, b""),
        (404, b""),
    ],
)
async def test_an_answer_that_cannot_be_read_is_a_bad_answer_with_what_came(answer: bytes | tuple[int, bytes]) -> None:
    with pytest.raises(BadAnswer) as caught:
        await client(Wire(answer, answer, answer)).entry(ENTRY)
    assert caught.value.raw == (answer if isinstance(answer, bytes) else answer[1])


@pytest.mark.parametrize("failure", [Unreachable("gone"), TimedOut("late"), (503, b"")])
async def test_what_is_safe_to_repeat_is_sent_three_times(failure: BolinkError | tuple[int, bytes]) -> None:
    pauses: list[float] = []
    wire = Wire(failure, failure, TAKEN)
    assert (await client(wire, pauses_taken=pauses).entry(ENTRY)).state == 1
    assert len({body for _, body in wire.sent}) == 1
    assert pauses == [0.5, 2.0]


async def test_the_third_failure_is_told() -> None:
    with pytest.raises(TimedOut):
        await client(Wire(Unreachable("gone"), Unreachable("gone"), TimedOut("late"))).entry(ENTRY)


async def test_a_refusal_is_not_repeated() -> None:
    wire = Wire(b'{"state":0,"errmsg":"no"}')
    with pytest.raises(Refused):
        await client(wire).entry(ENTRY)
    assert len(wire.sent) == 1


async def test_what_is_not_safe_to_repeat_is_sent_once() -> None:
    wire = Wire(TimedOut("late"))
    with pytest.raises(TimedOut):
        await client(wire).get_qr_code(GetQrCode(union_id=200185, park_id="1", type=1))
    assert len(wire.sent) == 1


@pytest.mark.parametrize("section", ["3.3", "3.4", "3.7", "3.9", "3.10", "4.2", "6.3"])
def test_what_moves_money_is_never_repeated_by_itself(section: str) -> None:
    assert not by_section(section).repeat.safe


async def test_a_frozen_text_is_sent_once_as_it_is() -> None:
    text = b'{ "frozen": 1.10 }'
    wire = Wire(TimedOut("late"))
    with pytest.raises(TimedOut):
        await client(wire).send_text(by_section("3.1"), text)
    assert open_envelope(wire.sent[0][1]).text == text
    assert len(wire.sent) == 1


async def test_a_request_that_is_not_as_documented_is_not_sent() -> None:
    wire = Wire()
    with pytest.raises(BadMessage):
        await client(wire).get_qr_code(GetQrCode(union_id=1, park_id="1", type=3))
    assert not wire.sent


async def test_an_address_that_the_document_does_not_have_is_out_of_reach() -> None:
    with pytest.raises(Unreachable, match="production"):
        await client(Wire(), PRODUCTION).report_person(PersonRecord(community_name="陈前小区"))
    with pytest.raises(Unreachable, match="test"):
        await client(Wire()).log_in(example_of(by_section("8.3").request))


@pytest.mark.parametrize(
    ("addresses", "wanted"),
    [
        (TEST, "https://test.bolink.club/zld/openservice/uploaddurationinfo"),
        (PRODUCTION, "https://yun.bolink.club/zld/openservice/uploaddurationinfo"),
        (Addresses.at("http://hub:80/"), "http://hub:80/zld/openservice/uploaddurationinfo"),
    ],
)
def test_charging_reductions_live_on_another_host(addresses: Addresses, wanted: str) -> None:
    assert addresses.url(by_section("3.11")) == wanted


def test_the_onboarding_page_is_signed_with_the_key_and_the_time() -> None:
    url = client(Wire()).onboarding_page("Park2020010921")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    page = msgspec.convert(query, OnboardingPage, strict=False)
    assert url.startswith("https://beta.bolink.club/web/parkingos/gettoken?")
    assert (page.park_id, page.union_id, page.timestamp) == ("Park2020010921", "200185", 1584082770000)
    assert page.signed_by(KEY)
    assert not page.signed_by("other")


def test_the_licence_page_carries_the_way_back() -> None:
    url = client(Wire()).licence_page("https://baidu.com?a=100&b=200")
    assert url == "https://beta.bolink.club/unionapi/getlicence?redirectUrl=https%3A%2F%2Fbaidu.com%3Fa%3D100%26b%3D200"


def test_a_verb_that_nobody_knows_is_none() -> None:
    assert by_service("nolicence_in_park") is by_section("5.7")
    assert by_service("invoice_state") is by_section("6.4")
    assert by_service("correct_business") is by_section("10.1")
    assert by_service("unheard_of") is None


def test_every_event_is_told_apart() -> None:
    events = [interface.event for interface in CATALOGUE if interface.direction is Direction.DOWNLINK]
    assert all(events)
    assert len(set(events)) == len(events)


async def test_the_clients_union_id_goes_into_a_request_that_has_none() -> None:
    wire = Wire(TAKEN)
    bare = msgspec.structs.replace(ENTRY, union_id=0)
    await client(wire).entry(bare)
    [(_, body)] = wire.sent
    assert msgspec.json.decode(body)["data"]["union_id"] == int(client(wire).union_id)


async def test_another_vendors_union_id_is_refused_before_anything_is_sent() -> None:
    wire = Wire(TAKEN)
    with pytest.raises(BadMessage, match="union_id"):
        await client(wire).entry(msgspec.structs.replace(ENTRY, union_id=9))
    assert wire.sent == []


def test_a_message_without_a_union_id_is_not_written() -> None:
    with pytest.raises(BadMessage, match="union_id: is required"):
        by_section("3.1").write(msgspec.structs.replace(ENTRY, union_id=0))
