"""Who could do what only some should: tokens, files with secrets, devices and brokers that are open."""

from __future__ import annotations

from taigan.barriers.wires.broker import is_open
from taigan.doctor.findings import Finding, skipped, well, wrong
from taigan.doctor.installation import Installation
from taigan.storage.kept.inspection import Inspection

SAMPLES = frozenset({"0123456789abcdef", "0123456789abcdef" * 2, "change-me-change-me"})
"""Tokens that stand in the documentation."""


def tokens(inspection: Inspection | None) -> Finding:
    if inspection is None:
        return skipped("token", "数据库没有看成", "the database was not seen")
    unlimited = [token.name for token in inspection.tokens if token.roles is None and token.rights is None]
    if not unlimited:
        return well("token", "每个令牌只有它需要的权限", "every token has rights of its own")
    names = ", ".join(unlimited)
    return Finding(
        check="token",
        state="well",
        zh=f"这些令牌什么都能做：{names}",
        en=f"these tokens may do everything: {names}",
        do_zh="给每个程序一个只有它所需权限的令牌：taigan token create 名字 --role …",
        do_en="give each program a token that may do what it needs: taigan token create NAME --role …",
    )


def secrets(at: Installation) -> list[Finding]:
    found: list[Finding] = []
    if SAMPLES.intersection(at.secrets):
        found.append(
            wrong(
                "secret",
                zh="有令牌是文档里的例子，谁都知道",
                en="a token is one of the documentation's examples: everybody knows it",
                do_zh="换成 openssl rand -hex 32 给出的，重启",
                do_en="take what openssl rand -hex 32 gives, and restart",
            )
        )
    for path in at.files:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & 0o007:
            found.append(
                wrong(
                    "secret",
                    str(path),
                    zh="这台机器上谁都能读",
                    en="everybody on this machine may read it",
                    do_zh=f"chmod o= {path}",
                    do_en=f"chmod o= {path}",
                )
            )
    return found or [well("secret", "只有该看的人能看", "only those who should can read them")]


def open_devices(at: Installation) -> list[Finding]:
    if not at.open_devices:
        return [well("device", "每台设备的地址里都有密文", "every device has a secret in its address")]
    return [
        wrong(
            "device",
            device,
            zh=f"设备 {device} 不带密文也收：能连上平台、知道序列号的人都能抬杆",
            en=f"the device {device} may post without a secret: whoever reaches the platform and knows the serial "
            "raises the arm",
            do_zh=f"在设备上填 taigan device show {device} 打印的地址，再从 open_devices 里去掉它",
            do_en=f"enter the address that `taigan device show {device}` prints at the device, then take it out of "
            "open_devices",
        )
        for device in at.open_devices
    ]


def brokers(at: Installation) -> list[Finding]:
    found = []
    for lane, broker, signs_in in at.brokers:
        if is_open(broker, signs_in=signs_in):
            found.append(
                wrong(
                    "broker",
                    lane,
                    zh=f"通道 {lane} 的代理 {broker} 不加密或不用登录：同一网络里的人都能抬杆",
                    en=f"the broker {broker} of lane {lane} is spoken to in the clear or without a user: anybody "
                    "in that network raises the arm",
                    do_zh="用 mqtts://、username 和 password，并在代理上给每台设备限定主题（barriers.md）",
                    do_en="use mqtts://, username and password, and give each device its own topics at the broker "
                    "(barriers.en.md)",
                )
            )
    return found or [well("broker", "都加密、都登录", "all are spoken to by TLS and by name, or on this machine")]
