"""Tencent Cloud's SMS service (短信, version 2021-01-11): SendSms, PullSmsSendStatusByPhoneNumber, DescribeSmsSignList.

Signed by TC3-HMAC-SHA256 (腾讯云 API 3.0 签名方法 v3).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from taigan import bolink
from taigan.clock import Clock
from taigan.lot.gateways.gateway import Arrival, Poster, Receipt, Registration, SmsFailed, in_china

ENDPOINT = "https://sms.tencentcloudapi.com"
VERSION, REGION = "2021-01-11", "ap-guangzhou"
TIMEOUT = 3.0
CONTENT_TYPE = "application/json; charset=utf-8"
_ARRIVALS = {"SUCCESS": Arrival.ARRIVED, "FAIL": Arrival.FAILED}
_APPROVED = 0
_REVIEWS = {0: "approved", 1: "under review", -1: "refused"}


class TencentGateway:
    """Sends by a template with one variable, the code. `sign_id` is the signature's number there."""

    def __init__(
        self,
        poster: Poster,
        clock: Clock,
        *,
        key_id: str,
        key_secret: str,
        app_id: str,
        signature: str,
        sign_id: int,
        template: str,
        endpoint: str = ENDPOINT,
    ) -> None:
        self._poster = poster
        self._clock = clock
        self._key_id = key_id
        self._key_secret = key_secret
        self._app_id = app_id
        self._signature = signature
        self._sign_id = sign_id
        self._template = template
        self._endpoint = endpoint or ENDPOINT

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        said = await self._call(
            "SendSms",
            {
                "PhoneNumberSet": [f"+86{in_china(mobile)}"],
                "SmsSdkAppId": self._app_id,
                "SignName": self._signature,
                "TemplateId": self._template,
                "TemplateParamSet": [code],
            },
        )
        sent = _first(said.get("SendStatusSet"))
        if sent.get("Code") != "Ok":
            raise SmsFailed(f"SendSms: {sent.get('Code', 'no status')}: {sent.get('Message', '')}")
        return str(sent.get("SerialNo", ""))

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        said = await self._call(
            "PullSmsSendStatusByPhoneNumber",
            {
                "PhoneNumber": f"+86{in_china(mobile)}",
                "SmsSdkAppId": self._app_id,
                "BeginTime": int(sent_at.timestamp()) - 60,
                "Offset": 0,
                "Limit": 100,
            },
        )
        found = said.get("PullSmsSendStatusSet")
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and one.get("SerialNo") == number:
                arrival = _ARRIVALS.get(str(one.get("ReportStatus")), Arrival.UNKNOWN)
                return Receipt(arrival, str(one.get("Description", "")))
        return Receipt(Arrival.UNKNOWN)

    async def registration(self) -> Registration:
        said = await self._call("DescribeSmsSignList", {"SignIdSet": [self._sign_id], "International": 0})
        found = _first(said.get("DescribeSignListStatusSet"))
        status = found.get("StatusCode")
        words = _REVIEWS.get(status, f"status {status}") if isinstance(status, int) else "unknown"
        if found.get("SignName") != self._signature:
            return Registration(False, f"signature {self._sign_id} is not {self._signature} there")
        return Registration(status == _APPROVED, f"{words} {found.get('ReviewReply') or ''}".strip())

    async def _call(self, action: str, asked: Mapping[str, object]) -> dict[str, Any]:
        body = msgspec.json.encode(asked)
        try:
            status, raw = await self._poster.post(
                f"{self._endpoint}/", body, timeout=TIMEOUT, headers=self._signed(action, body)
            )
        except bolink.BolinkError as error:
            raise SmsFailed(f"{action}: {error}") from error
        try:
            said = msgspec.json.decode(raw)
            answer = said["Response"]
            refused = answer.get("Error")
        except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
            raise SmsFailed(f"{action}: HTTP {status} without an answer") from None
        if isinstance(refused, dict):
            raise SmsFailed(f"{action}: {refused.get('Code', '')}: {refused.get('Message', '')}")
        return dict(answer)

    def _signed(self, action: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        at, day = str(int(now.timestamp())), now.strftime("%Y-%m-%d")
        host = urlsplit(self._endpoint).netloc
        hashed = hashlib.sha256(body).hexdigest()
        request = f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n\ncontent-type;host\n{hashed}"
        scope = f"{day}/sms/tc3_request"
        to_sign = f"TC3-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"TC3{self._key_secret}".encode()
        for part in (day, "sms", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self._key_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
        return {
            "Content-Type": CONTENT_TYPE,
            "X-TC-Action": action,
            "X-TC-Version": VERSION,
            "X-TC-Region": REGION,
            "X-TC-Timestamp": at,
            "Authorization": f"TC3-HMAC-SHA256 {credential}",
        }


def _first(found: object) -> dict[str, Any]:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
