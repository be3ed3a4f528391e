"""Aliyun's and Tencent's SMS services: they check the signature as their documents say, and remember what they sent.

Written from the documents, without a line of what is tested.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY_ID, KEY_SECRET = "LTAI-test", "secret-of-the-test"


class Company:
    """What both have in common. `refuses` is a code to answer with; `review` the state of the signature."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: list[dict[str, Any]] = []
        self.refuses = ""
        self.review = 0
        self.arrival: object = None
        self.answer: bytes | None = None  # the very bytes instead

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.answer is not None:
            return web.Response(body=self.answer)
        return web.json_response(self.act(request, body))

    def act(self, request: web.Request, body: bytes) -> dict[str, Any]:
        raise NotImplementedError


class Aliyun(Company):
    """ACS3-HMAC-SHA256 over the query."""

    def act(self, request: web.Request, body: bytes) -> dict[str, Any]:
        asked = dict(parse_qsl(request.rel_url.raw_query_string, strict_parsing=True))
        parts = dict(
            part.strip().split("=", 1)
            for part in request.headers["Authorization"].removeprefix("ACS3-HMAC-SHA256 ").split(",")
        )
        names = parts["SignedHeaders"].split(";")
        canonical = "\n".join(
            (
                request.method,
                request.path,
                "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(asked.items())),
                "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(names)),
                ";".join(sorted(names)),
                hashlib.sha256(body).hexdigest(),
            )
        )
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
        right = hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        if parts["Credential"] != KEY_ID or parts["Signature"] != right:
            return {"Code": "SignatureDoesNotMatch", "Message": "Specified signature is not matched"}
        assert {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"} <= set(names)
        if self.refuses:
            return {"Code": self.refuses, "Message": "no"}
        match request.headers["x-acs-action"]:
            case "SendSms":
                self.sent.append({**asked, "TemplateParam": json.loads(asked["TemplateParam"])})
                return {"Code": "OK", "Message": "OK", "BizId": f"{len(self.sent)}^0"}
            case "QuerySendDetails":
                detail = {"SendStatus": self.arrival, "ErrCode": "MOBILE_NOT_ON_SERVICE"}
                return {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [detail] if self.arrival else []}}
            case "GetSmsSign":
                return {"Code": "OK", "SignName": asked["SignName"], "SignStatus": self.review}
        return {"Code": "InvalidAction.NotFound"}


class Tencent(Company):
    """TC3-HMAC-SHA256 over the body."""

    def act(self, request: web.Request, body: bytes) -> dict[str, Any]:
        return {"Response": {"RequestId": "r", **self._act(request, body)}}

    def _act(self, request: web.Request, body: bytes) -> dict[str, Any]:
        given = request.headers["Authorization"].removeprefix("TC3-HMAC-SHA256 ")
        parts = dict(part.split("=", 1) for part in given.split(", "))
        key_id, day, service, ending = parts["Credential"].split("/")
        headers = "".join(f"{name}:{request.headers[name]}\n" for name in parts["SignedHeaders"].split(";"))
        hashed = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/\n\n{headers}\n{parts['SignedHeaders']}\n{hashed}"
        text = "\n".join(
            (
                "TC3-HMAC-SHA256",
                request.headers["X-TC-Timestamp"],
                f"{day}/{service}/{ending}",
                hashlib.sha256(canonical.encode()).hexdigest(),
            )
        )
        key = b"TC3" + KEY_SECRET.encode()
        for part in (day, service, ending):
            key = hmac.digest(key, part.encode(), "sha256")
        if key_id != KEY_ID or hmac.digest(key, text.encode(), "sha256").hex() != parts["Signature"]:
            return {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "The signature is wrong"}}
        assert (service, ending, request.headers["X-TC-Version"]) == ("sms", "tc3_request", "2021-01-11")
        asked = json.loads(body)
        match request.headers["X-TC-Action"]:
            case "SendSms":
                self.sent.append(asked)
                code = self.refuses or "Ok"
                return {"SendStatusSet": [{"Code": code, "Message": "no", "SerialNo": f"s{len(self.sent)}"}]}
            case "PullSmsSendStatusByPhoneNumber":
                one = {"SerialNo": "s1", "ReportStatus": self.arrival, "Description": "MK:0011"}
                return {"PullSmsSendStatusSet": [{"SerialNo": "another"}, one] if self.arrival else []}
            case "DescribeSmsSignList":
                found = {"SignId": asked["SignIdSet"][0], "SignName": "抬杆停车", "StatusCode": self.review}
                return {"DescribeSignListStatusSet": [found]}
        return {"Error": {"Code": "InvalidAction", "Message": "no"}}


@asynccontextmanager
async def running(company: Company) -> AsyncIterator[Company]:
    """The company at an address of its own."""
    app = web.Application()
    app.router.add_post("/", company.serve)
    async with TestServer(app) as server:
        company.url = str(server.make_url("")).rstrip("/")
        yield company
