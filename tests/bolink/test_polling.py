"""What goes over the wire between BoLink and lots that have no public address."""

from __future__ import annotations

import json

import pytest

from taigan.bolink import PRODUCTION, TEST, Addresses, BadMessage, seal, verify
from taigan.bolink.wire import polling

KEY = "NQ0eSXs720170114"


@pytest.mark.parametrize(
    ("connection", "lane", "taken"),
    [
        ("aaa001_channels_A1_A2_A3", "A2", True),
        ("aaa001_channels_A1_A2_A3", "A", False),
        ("aaa001_channels_A1_A2_A3", "B1", False),
        ("aaa001_channels_east_gate_B1", "east_gate", True),
        ("aaa001_channels_A1", "", True),
        ("aaa001", "A1", True),
        ("", "A1", True),
    ],
)
def test_a_connection_takes_messages_for_the_lanes_it_names(connection: str, lane: str, taken: bool) -> None:
    assert polling.serves(connection, lane) is taken


def test_lanes_that_do_not_fit_into_a_connections_name_are_not_named() -> None:
    assert polling.local_id("aaa001", ["A1", "A2"]) == "aaa001_channels_A1_A2"
    assert polling.local_id("aaa001", [f"lane{number}" for number in range(60)]) == "aaa001"


def test_an_upload_is_signed_over_its_data_and_the_token_stands_beside_it() -> None:
    body = polling.upload_body("inpark", '{"car_number":"京A12345"}'.encode(), KEY, "0123")
    assert list(json.loads(body)) == ["service_name", "sign", "token", "data"]
    upload = polling.open_upload(body)
    assert (upload.service_name, upload.token, upload.answers) == ("inpark", "0123", False)
    assert verify(upload.text, upload.sign, KEY)
    assert "token" not in json.loads(polling.upload_body("login", b"{}", KEY))


@pytest.mark.parametrize("data", [b'{"state":1}', b'{"data_target":"cloud","trade_no":"1"}'])
def test_an_upload_with_a_state_or_a_target_answers_a_message(data: bytes) -> None:
    assert polling.open_upload(polling.upload_body("outpark", data, KEY, "0123")).answers


@pytest.mark.parametrize("body", [b"", b"[]", b'{"service_name":"login"}', b'{"service_name":"a","data":[1]}', b"\xff"])
def test_a_broken_upload_is_a_bad_message(body: bytes) -> None:
    with pytest.raises(BadMessage):
        polling.open_upload(body)


def test_a_message_is_taken_with_its_fields_in_data_or_beside_it() -> None:
    text = b'{"service_name":"query_price","query_order_no":"Q1","order_id":7}'
    inside = polling.take(polling.hand(seal(text, KEY), "query_price", "u1"))
    assert inside is not None
    assert (inside.service_name, inside.text) == ("query_price", text)
    assert verify(inside.text, inside.sign, KEY)
    assert inside.numbers == {"message_uuid": "u1", "query_order_no": "Q1", "order_id": "7"}
    beside = polling.take(b'{"service_name":"query_price","query_order_no":"Q1","order_id":7,"sign":"AB"}')
    assert beside is not None
    assert json.loads(beside.text) == json.loads(text)
    assert (beside.sign, beside.numbers) == ("AB", {"query_order_no": "Q1", "order_id": "7"})


@pytest.mark.parametrize("body", [b"", b"500", b'{"state":1}', "暂无下行消息".encode(), b"<html>"])
def test_what_names_no_service_is_no_message(body: bytes) -> None:
    assert polling.take(body) is None


@pytest.mark.parametrize("body", [b'{"service_name"', b'{"service_name":""}', b'{"service_name":"a","data":1}'])
def test_half_a_message_is_a_bad_one(body: bytes) -> None:
    with pytest.raises(BadMessage):
        polling.take(body)


def test_an_answer_repeats_the_numbers_of_its_message_and_comes_back_as_a_callbacks_would() -> None:
    handed = polling.take(polling.hand(seal(b'{"service_name":"outpark","trade_no":"T1"}', KEY), "outpark", "u1"))
    assert handed is not None
    text = polling.answer_text(b'{"state":1,"trade_no":"T1","errmsg":""}', handed)
    assert json.loads(text)["data_target"] == "bolink"
    answer, numbers = polling.answer_in(text)
    assert json.loads(answer) == {"service_name": "outpark", "trade_no": "T1", "state": 1, "errmsg": ""}
    assert numbers == {"message_uuid": "u1", "trade_no": "T1"}


def test_ids_that_a_clients_data_leave_to_its_token_are_filled_in() -> None:
    assert json.loads(polling.with_ids(b'{"park_id":"9"}', "200002", "7")) == {"park_id": "9", "union_id": 200002}
    whole = b'{"union_id": 1, "park_id": "9"}'
    assert polling.with_ids(whole, "200002", "7") is whole


def test_the_addresses_are_those_of_the_side_that_is_spoken_to() -> None:
    assert PRODUCTION.polling(polling.UPLOAD_PATH) == "https://p.bolink.club/bpd/upload.do"
    assert TEST.polling(polling.DOWNLOAD_PATH) == "https://ptest.bolink.club/bpd/download.do"
    assert Addresses.at("http://hub/").polling(polling.UPLOAD_PATH) == "http://hub/bpd/upload.do"
