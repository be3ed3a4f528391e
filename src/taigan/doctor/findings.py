"""What a look showed, in words for people."""

from __future__ import annotations

from typing import Literal

import msgspec

CHECKS = {
    "database": "数据库",
    "disk": "磁盘",
    "pictures": "图片",
    "platform": "平台",
    "bolink": "泊链",
    "clock": "时钟",
    "key": "密钥",
    "signature": "签名",
    "callback": "回调地址",
    "barrier": "道闸",
    "queue": "上传队列",
    "code": "车道的码",
    "token": "令牌",
    "secret": "密钥文件",
    "device": "设备的门",
    "broker": "MQTT 代理",
    "sms": "短信",
}
"""What is looked at, in this order."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one look showed, in both languages; `do_…` is what helps, and empty where nothing is needed.

    `skipped` could not be looked at, because of something else that is wrong.
    """

    check: str
    subject: str = ""
    state: Literal["well", "wrong", "skipped"]
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""

    def in_words(self) -> str:
        """For a person at a terminal: the finding in Chinese, below it in English, each with what to do."""
        mark = {"well": "✓", "wrong": "✗", "skipped": "–"}[self.state]
        about = f" {self.subject}" if self.subject else ""
        advice_zh, advice_en = (f" → {text}" if text else "" for text in (self.do_zh, self.do_en))
        return f"{mark} {CHECKS[self.check]}{about}：{self.zh}{advice_zh}\n  {self.check}{about}: {self.en}{advice_en}"


def well(check: str, zh: str, en: str, subject: str = "") -> Finding:
    """Nothing is to be done."""
    return Finding(check=check, subject=subject, state="well", zh=zh, en=en)


def wrong(check: str, subject: str = "", *, zh: str, en: str, do_zh: str, do_en: str) -> Finding:
    """Something is to be done."""
    return Finding(check=check, subject=subject, state="wrong", zh=zh, en=en, do_zh=do_zh, do_en=do_en)


def skipped(check: str, zh: str, en: str, subject: str = "") -> Finding:
    """It could not be looked at, and why."""
    return Finding(check=check, subject=subject, state="skipped", zh=f"没有看：{zh}", en=f"not looked at: {en}")
