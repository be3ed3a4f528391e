"""SMS by Aliyun and Tencent, against emulators that check the signature."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from support.clock import ManualClock
from support.servers.sms_companies import KEY_ID, KEY_SECRET, Aliyun, Company, Tencent, running
from taigan.lot.gateways.aliyun import AliyunGateway
from taigan.lot.gateways.gateway import Arrival, Receipt, SmsFailed, SmsGateway
from taigan.lot.gateways.tencent import TencentGateway
from taigan.network.transport import AiohttpTransport

PHONE = "13800001234"
Made = tuple[Company, Callable[..., SmsGateway]]


@pytest.fixture(params=["aliyun", "tencent"])
async def made(request: pytest.FixtureRequest) -> AsyncIterator[Made]:
    """A company, and what makes its gateway with some settings changed."""
    company: Company = Aliyun() if request.param == "aliyun" else Tencent()
    company.review = 1 if request.param == "aliyun" else 0
    async with running(company), AiohttpTransport() as transport:

        def gateway(**changed: Any) -> SmsGateway:
            given = {
                "key_id": KEY_ID,
                "key_secret": KEY_SECRET,
                "signature": "抬杆停车",
                "template": "SMS_1",
                "endpoint": company.url,
            }
            if request.param == "aliyun":
                return AliyunGateway(transport, ManualClock(), **(given | changed))
            more = {"app_id": "1400006666", "sign_id": 7}
            return TencentGateway(transport, ManualClock(), **(given | more | changed))

        yield company, gateway


async def test_a_code_is_sent_signed_by_signature_and_template(made: Made) -> None:
    company, gateway = made
    number = await gateway().send(f"+86{PHONE}", "012345", "东门停车场")
    assert number
    sent = company.sent[0]
    if isinstance(company, Aliyun):
        assert (sent["PhoneNumbers"], sent["SignName"], sent["TemplateCode"]) == (PHONE, "抬杆停车", "SMS_1")
        assert sent["TemplateParam"] == {"code": "012345"}
    else:
        assert (sent["PhoneNumberSet"], sent["SignName"], sent["TemplateId"]) == ([f"+86{PHONE}"], "抬杆停车", "SMS_1")
        assert (sent["TemplateParamSet"], sent["SmsSdkAppId"]) == (["012345"], "1400006666")


async def test_another_secret_is_not_believed_there_and_the_refusal_is_said_without_the_number(made: Made) -> None:
    company, gateway = made
    with pytest.raises(SmsFailed, match="Signature") as refused:
        await gateway(key_secret="another").send(PHONE, "012345", "")
    assert PHONE not in str(refused.value)
    assert company.sent == []


async def test_a_refusal_is_said_in_the_companys_words(made: Made) -> None:
    company, gateway = made
    company.refuses = "LimitExceeded"
    with pytest.raises(SmsFailed, match="LimitExceeded: no"):
        await gateway().send(PHONE, "012345", "")


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"null", b'{"Response": 1}', b"\xff"])
async def test_an_answer_that_is_none_is_a_failure(made: Made, answer: bytes) -> None:
    company, gateway = made
    company.answer = answer
    for work in (gateway().send(PHONE, "1", ""), gateway().registration()):
        with pytest.raises(SmsFailed):
            await work


async def test_an_address_that_leads_nowhere_is_a_failure_that_names_no_phone(made: Made) -> None:
    _, gateway = made
    with pytest.raises(SmsFailed) as failed:
        await gateway(endpoint="http://127.0.0.1:1").send(PHONE, "1", "")
    assert PHONE not in str(failed.value)


async def test_receipts_tell_what_arrived_what_failed_and_what_is_not_known_yet(made: Made) -> None:
    company, gateway = made
    number = await gateway().send(PHONE, "1", "")
    sent_at = ManualClock().now()
    failed, arrived = (2, 3) if isinstance(company, Aliyun) else ("FAIL", "SUCCESS")
    assert await gateway().receipt(PHONE, number, sent_at) == Receipt(Arrival.UNKNOWN)
    company.arrival = failed
    receipt = await gateway().receipt(PHONE, number, sent_at)
    assert receipt.arrival is Arrival.FAILED
    assert receipt.detail in ("MOBILE_NOT_ON_SERVICE", "MK:0011")
    company.arrival = arrived
    assert (await gateway().receipt(PHONE, number, sent_at)).arrival is Arrival.ARRIVED


async def test_the_state_of_the_signature_is_told(made: Made) -> None:
    company, gateway = made
    assert (await gateway().registration()).usable
    company.review = 0 if isinstance(company, Aliyun) else 1
    found = await gateway().registration()
    assert (found.usable, found.detail) == (False, "under review")
