"""BoLink's address: `/bolink` and `/bolink/{service_name}`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web.house import House, Houses, Line, client_of, served

LIMIT = 64 * 1024


@pytest.fixture
async def bolink(small_house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(small_house, None) as client:
        yield client


def refused_as_bolink_reads_it(answer: httpx.Response, status: int, text: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert said.pop("timetemp") == 1748764800
    assert said == {"state": 0, "errmsg": text, "car_number": ""}


async def test_the_bytes_arrive_as_they_were_sent_and_the_answer_goes_back_as_it_is(
    small_house: House, bolink: httpx.AsyncClient
) -> None:
    body = b'\xff {"data" : {"a":1.0}}\r\n'
    answer = await bolink.post("/bolink", content=body)
    assert (answer.status_code, answer.content) == (200, b'{"state":1}')
    assert small_house.callbacks.heard == [(body, "")]


async def test_an_events_own_address_names_the_event(small_house: House, bolink: httpx.AsyncClient) -> None:
    for address, name in (
        ("/bolink/nolicence_in_park", "nolicence_in_park"),
        ("/bolink/nolicence_in_park/", "nolicence_in_park"),
        ("/bolink/", ""),
        ("/bolink?x=1", ""),
    ):
        small_house.callbacks.heard.clear()
        assert (await bolink.post(address, content=b"{}")).status_code == 200
        assert small_house.callbacks.heard == [(b"{}", name)]


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "nonsense"]
)
async def test_the_content_type_makes_no_difference(
    small_house: House, bolink: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    assert (await bolink.post("/bolink", content=b"a=1&b=2", headers=headers)).status_code == 200
    assert small_house.callbacks.heard == [(b"a=1&b=2", "")]


async def test_a_body_of_64_kib_is_taken_and_one_byte_more_is_413(
    small_house: House, bolink: httpx.AsyncClient
) -> None:
    assert (await bolink.post("/bolink", content=b"[" * LIMIT)).status_code == 200
    refused_as_bolink_reads_it(await bolink.post("/bolink", content=b"[" * (LIMIT + 1)), 413, "请求过大")
    assert [len(body) for body, _ in small_house.callbacks.heard] == [LIMIT]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_is_taken(bolink: httpx.AsyncClient, method: str) -> None:
    answer = await bolink.request(method, "/bolink/nolicence_in_park")
    refused_as_bolink_reads_it(answer, 405, "只接受POST请求")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "address", ["/bolink/a/b", "/bolink//", "/bolink/%ff", "/bolink/%00", "/bolink/" + "x" * 65, "/bolink/入场"]
)
async def test_an_address_nobody_gave_to_bolink_is_404(
    small_house: House, bolink: httpx.AsyncClient, address: str
) -> None:
    refused_as_bolink_reads_it(await bolink.post(address, content=b"{}"), 404, "未知的service_name")
    assert small_house.callbacks.heard == []


async def test_an_error_of_ours_is_not_told_as_a_refusal_of_the_driver_by_200(
    small_house: House, bolink: httpx.AsyncClient
) -> None:
    small_house.callbacks.fails = True
    refused_as_bolink_reads_it(await bolink.post("/bolink", content=b"{}"), 500, "系统繁忙，请稍后再扫码")


async def test_what_is_refused_at_the_door_is_counted_by_reason(small_house: House, bolink: httpx.AsyncClient) -> None:
    def counted(reason: str) -> float:
        return small_house.metrics.registry.get_sample_value("taigan_refused_requests_total", {"reason": reason}) or 0.0

    before = counted("too_large"), counted("not_post")
    await bolink.post("/bolink", content=b"[" * (LIMIT + 1))
    await bolink.get("/bolink")
    assert (counted("too_large"), counted("not_post")) == (before[0] + 1, before[1] + 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(body=st.binary(max_size=2000), name=st.one_of(st.just(""), st.text(max_size=70)))
async def test_any_bytes_at_any_callback_address_are_answered_in_bolinks_form(
    bolink: httpx.AsyncClient, body: bytes, name: str
) -> None:
    answer = await bolink.post(httpx.URL("http://lot/bolink").join(f"/bolink/{quoted(name)}"), content=body)
    assert answer.status_code in (200, 404)
    assert "state" in answer.json()


def quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode("utf-8", "surrogatepass"))


# What follows needs a real server and a real line.


async def test_a_sender_who_sends_too_much_still_reads_the_answer(small_house: House) -> None:
    async with served(small_house.app) as port, Line.to(port) as line:
        body = b"x" * (600 * 1024)
        await line.send(b"POST /bolink HTTP/1.1\r\nHost: lot\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        status, said = await line.answer()
        assert status == 413
        assert json.loads(said)["errmsg"] == "请求过大"


async def test_a_body_without_end_is_cut_off_with_413(small_house: House) -> None:
    async with served(small_house.app) as port, Line.to(port) as line:
        await line.send(b"POST /bolink HTTP/1.1\r\nHost: lot\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        answer = asyncio.ensure_future(line.answer())
        while not answer.done():
            if not await line.send(chunk):
                break
        assert (await answer)[0] == 413


async def test_a_sender_who_dawdles_is_told_so(houses: Houses) -> None:
    house = await houses(body_timeout=0.05)
    async with served(house.app) as port, Line.to(port) as line:
        await line.send(b"POST /bolink HTTP/1.1\r\nHost: lot\r\nContent-Length: 100\r\n\r\n{")
        status, said = await line.answer()
        assert status == 408
        assert json.loads(said)["errmsg"] == "请求接收超时"
        assert house.callbacks.heard == []


async def test_a_client_that_leaves_in_mid_body_is_nobodys_error(small_house: House) -> None:
    def counted() -> float:
        samples = [s for m in small_house.metrics.registry.collect() for s in m.samples]
        return sum(s.value for s in samples if s.name in ("taigan_callbacks_total", "taigan_refused_requests_total"))

    before = counted()
    async with served(small_house.app) as port:
        async with Line.to(port) as line:
            await line.send(b"POST /bolink HTTP/1.1\r\nHost: lot\r\nContent-Length: 100\r\n\r\n{")
        async with Line.to(port) as line:
            await line.send(b"POST /bolink HTTP/1.1\r\nHost: lot\r\nContent-Length: 2\r\n\r\n{}")
            assert (await line.answer())[0] == 200
    assert small_house.callbacks.heard == [(b"{}", "")]
    assert counted() == before


@pytest.mark.parametrize(
    "request_line",
    [
        b"POST /bolink/\xff HTTP/1.1",
        b"POST /bolink/%ff%zz%00 HTTP/1.1",
        b"POST /\x00 HTTP/1.1",
        b"GET /api/v1/lots/%E0%80 HTTP/1.1",
        b"POST bolink HTTP/1.1",
        b"POST http://lot/bolink HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"NONSENSE",
        b"POST /" + b"x" * 60_000 + b" HTTP/1.1",
    ],
)
async def test_a_request_line_of_any_kind_is_answered_and_never_with_500(
    small_house: House, request_line: bytes
) -> None:
    async with served(small_house.app) as port, Line.to(port) as line:
        await line.send(request_line + b"\r\nHost: lot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        status, _ = await line.answer()
        assert status in range(200, 500)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
async def test_a_packed_body_is_415_and_goes_nowhere(
    small_house: House, bolink: httpx.AsyncClient, encoding: str
) -> None:
    answer = await bolink.post("/bolink", content=b"\x1f\x8b", headers={"content-encoding": encoding})
    refused_as_bolink_reads_it(answer, 415, "不支持压缩的请求")
    assert small_house.callbacks.heard == []


async def test_a_body_that_says_it_is_not_packed_is_taken(small_house: House, bolink: httpx.AsyncClient) -> None:
    assert (await bolink.post("/bolink", content=b"{}", headers={"content-encoding": "identity"})).status_code == 200
