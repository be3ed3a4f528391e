"""Aliyun's SMS service (短信服务, Dysmsapi 2017-05-25): SendSms, QuerySendDetails, GetSmsSign.

Signed by ACS3-HMAC-SHA256 (阿里云 OpenAPI V3 版本请求体&签名机制): the parameters are the query, the body is empty.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from taigan import bolink
from taigan.clock import Clock
from taigan.lot.gateways.gateway import Arrival, Poster, Receipt, Registration, SmsFailed, in_china

ENDPOINT = "https://dysmsapi.aliyuncs.com"
VERSION = "2017-05-25"
TIMEOUT = 3.0
_BEIJING = timezone(timedelta(hours=8))
_ARRIVALS = {1: Arrival.UNKNOWN, 2: Arrival.FAILED, 3: Arrival.ARRIVED}
_APPROVED = 1
_REVIEWS = {0: "under review", 1: "approved", 2: "refused", 10: "withdrawn"}


class AliyunGateway:
    """Sends by a template with one variable, `code`."""

    def __init__(
        self,
        poster: Poster,
        clock: Clock,
        *,
        key_id: str,
        key_secret: str,
        signature: str,
        template: str,
        endpoint: str = ENDPOINT,
    ) -> None:
        self._poster = poster
        self._clock = clock
        self._key_id = key_id
        self._key_secret = key_secret
        self._signature = signature
        self._template = template
        self._endpoint = endpoint or ENDPOINT

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        said = await self._call(
            "SendSms",
            {
                "PhoneNumbers": in_china(mobile),
                "SignName": self._signature,
                "TemplateCode": self._template,
                "TemplateParam": msgspec.json.encode({"code": code}).decode(),
            },
        )
        return str(said.get("BizId", ""))

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        said = await self._call(
            "QuerySendDetails",
            {
                "PhoneNumber": in_china(mobile),
                "BizId": number,
                "SendDate": sent_at.astimezone(_BEIJING).strftime("%Y%m%d"),
                "PageSize": "1",
                "CurrentPage": "1",
            },
        )
        details = said.get("SmsSendDetailDTOs")
        found = details.get("SmsSendDetailDTO") if isinstance(details, dict) else None
        if not isinstance(found, list) or not found or not isinstance(found[0], dict):
            return Receipt(Arrival.UNKNOWN)
        return Receipt(_ARRIVALS.get(found[0].get("SendStatus", 0), Arrival.UNKNOWN), str(found[0].get("ErrCode", "")))

    async def registration(self) -> Registration:
        said = await self._call("GetSmsSign", {"SignName": self._signature})
        status = said.get("SignStatus")
        words = _REVIEWS.get(status, f"status {status}") if isinstance(status, int) else "unknown"
        return Registration(status == _APPROVED, words)

    async def _call(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(parameters.items()))
        headers = self._signed(action, query)
        try:
            status, body = await self._poster.post(f"{self._endpoint}/?{query}", b"", timeout=TIMEOUT, headers=headers)
        except bolink.BolinkError as error:
            raise SmsFailed(f"{action}: {type(error).__name__}") from None  # its text holds the address, phone and all
        try:
            said = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = None
        if not isinstance(said, dict):
            raise SmsFailed(f"{action}: HTTP {status} without an answer")
        if said.get("Code") != "OK":
            raise SmsFailed(f"{action}: {said.get('Code', f'HTTP {status}')}: {said.get('Message', '')}")
        return said

    def _signed(self, action: str, query: str) -> dict[str, str]:
        empty = hashlib.sha256(b"").hexdigest()
        signed = {
            "host": urlsplit(self._endpoint).netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": empty,
            "x-acs-date": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": token_hex(16),
            "x-acs-version": VERSION,
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"POST\n/\n{query}\n{lines}\n{names}\n{empty}"
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        authorization = f"ACS3-HMAC-SHA256 Credential={self._key_id},SignedHeaders={names},Signature={signature}"
        return {**{name: value for name, value in signed.items() if name != "host"}, "Authorization": authorization}


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
