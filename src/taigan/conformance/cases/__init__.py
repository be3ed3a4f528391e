"""What each case does, by id. The rows that describe them are in the catalogue."""

from __future__ import annotations

from taigan.conformance.cases.entry import ENTRY
from taigan.conformance.cases.recording import RECORDING
from taigan.conformance.cases.signature import SIGNATURE
from taigan.conformance.cases.sms import SMS
from taigan.conformance.cases.uploads import UPLOADS
from taigan.conformance.scripting import Scripted

SCRIPTS: dict[str, Scripted] = {
    case_id: scripted
    for scripts in (SIGNATURE, UPLOADS, ENTRY, SMS, RECORDING)
    for case_id, scripted in scripts.by_id.items()
}
