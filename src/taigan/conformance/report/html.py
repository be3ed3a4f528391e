"""`report.html`: one file for people, without network: Chinese first, English by a switch, made to be printed too."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from taigan.conformance.model import Level, Severity, Status, Text
from taigan.conformance.report.document import Report, Row
from taigan.conformance.verdict.summary import RED

STATUS_WORDS = {
    Status.PASSED: Text("通过", "passed"),
    Status.FAILED: Text("未通过", "failed"),
    Status.WARNING: Text("警告", "warning"),
    Status.SKIPPED: Text("跳过", "skipped"),
    Status.NOT_APPLICABLE: Text("不适用", "not applicable"),
    Status.NOT_VERIFIED: Text("未验证", "not verified"),
    Status.UNSTABLE: Text("时好时坏", "unstable"),
    Status.ENGINE_ERROR: Text("工具出错", "engine error"),
}
LEVEL_WORDS = {
    Level.MUST: Text("文档要求", "the document's words"),
    Level.SHOULD: Text("姊妹文档", "sister document"),
    Level.ROBUST: Text("稳健", "robust (ours)"),
    Level.INFO: Text("仅供参考", "for information"),
}
SEVERITY_WORDS = {
    Severity.CRITICAL: Text("严重", "critical"),
    Severity.MAJOR: Text("重要", "major"),
    Severity.MINOR: Text("次要", "minor"),
    Severity.INFO: Text("提示", "info"),
}
VERDICT_WORDS = {
    "yes": Text("合乎泊链文档", "conformant"),
    "no": Text("不合乎泊链文档", "not conformant"),
    "partial": Text("部分验证", "verified in part"),
}
SECTION_TITLES = {
    "1.2": Text("签名与消息", "signature and messages"),
    "3.1": Text("上报入场", "uploading the entry"),
    "3.2": Text("上报出场", "uploading the exit"),
    "5.1": Text("查询价格", "the price is asked"),
    "5.2": Text("无感状态", "auto-pay status"),
    "5.3": Text("场内预付", "paid inside the lot"),
    "5.4": Text("图片", "pictures"),
    "5.5": Text("出口付款结果", "paid at the exit"),
    "5.6": Text("退款", "refunds"),
    "5.7": Text("无牌车入场", "no-plate entry"),
    "5.8": Text("月卡续费", "pass renewals"),
    "5.9": Text("追缴", "recovered orders"),
    "5.10": Text("临停缴费", "parking payments"),
    "5.11": Text("逃单补缴", "escaped orders paid"),
    "5.12": Text("找零", "change paid out"),
    "5.13": Text("短信验证码", "SMS codes"),
    "5.14": Text("缴费减免", "reductions"),
    "11.1": Text("抬杆指令", "barrier commands"),
    "11.2": Text("月卡查询", "may it have a pass"),
    "11.3": Text("空位", "free spaces"),
    "11.4": Text("黑白名单", "white and black list"),
    "11.5": Text("月卡车", "passes"),
    "11.6": Text("车辆查询", "vehicle queries"),
    "11.7": Text("开票通知", "invoice notices"),
    "X": Text("整次运行", "the whole run"),
}
_OPEN = (Status.FAILED, Status.UNSTABLE, Status.ENGINE_ERROR)


def page(report: Report) -> str:
    """The report as one HTML document."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["t"] = both
    template = environment.from_string(files(__package__).joinpath("report.html").read_text("utf-8"))
    sections: dict[str, list[Row]] = {}
    for row in report.cases:
        sections.setdefault(row.section, []).append(row)
    words: dict[str, Any] = {
        "statuses": STATUS_WORDS,
        "levels": LEVEL_WORDS,
        "severities": SEVERITY_WORDS,
        "verdicts": VERDICT_WORDS,
        "titles": SECTION_TITLES,
    }
    return template.render(
        report=report,
        about=report.about,
        summary=report.summary,
        sections=sections,
        messages={message.number: message for message in report.messages},
        opened=_OPEN,
        following={root: [row for row in report.cases if row.follows == root] for root in report.summary.first},
        to_fix=[row for row in report.cases if row.status in RED],
        Text=Text,
        **words,
    )


def both(text: Text) -> Markup:
    """A sentence in both languages, of which the page shows one."""
    if text.zh == text.en:
        return escape(text.zh)
    return Markup('<span class="zh" lang="zh">{}</span><span class="en" lang="en">{}</span>').format(text.zh, text.en)
