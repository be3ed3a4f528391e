"""What each case does, by id. The rows that describe them are in the catalogue."""

from __future__ import annotations

from taigan.conformance.cases.commands import COMMANDS
from taigan.conformance.cases.entering.entry import ENTRY
from taigan.conformance.cases.entering.sms import SMS
from taigan.conformance.cases.leaving import LEAVING
from taigan.conformance.cases.money.notices import NOTICES
from taigan.conformance.cases.money.paid import PAID
from taigan.conformance.cases.money.price import PRICE
from taigan.conformance.cases.pictures import PICTURES
from taigan.conformance.cases.recording import RECORDING
from taigan.conformance.cases.signature import SIGNATURE
from taigan.conformance.cases.uploads import UPLOADS
from taigan.conformance.trials.scripting import Scripted

_ALL = (SIGNATURE, UPLOADS, LEAVING, PRICE, PAID, PICTURES, ENTRY, NOTICES, SMS, COMMANDS, RECORDING)
SCRIPTS: dict[str, Scripted] = {case_id: scripted for each in _ALL for case_id, scripted in each.by_id.items()}
