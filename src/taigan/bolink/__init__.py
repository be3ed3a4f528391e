"""The BoLink (泊链) protocol: what the document says goes over the wire, and nothing else.

No I/O, no framework, no database. The client is handed a transport.
"""

from taigan.bolink.chapters.callbacks import NoPlateEntry, NoPlateEntryAnswer, VerifyCode, VerifyCodeAnswer
from taigan.bolink.chapters.lots import GetQrCode, NoPlateSettings, QrCode, SetSmsCheck, SmsCheckSet
from taigan.bolink.chapters.trade import Entry, EntryTaken, Exit, ExitTaken
from taigan.bolink.describing.catalogue import CATALOGUE, by_section, by_service
from taigan.bolink.describing.examples import example_of
from taigan.bolink.describing.interface import AnyInterface, Completeness, Direction, Interface, Wrapping
from taigan.bolink.errors import BadAnswer, BadMessage, BolinkError, Refused, TimedOut, Unreachable
from taigan.bolink.units import fen, moment, seconds, yuan
from taigan.bolink.values import NoPlateState
from taigan.bolink.wire.addresses import PRODUCTION, TEST, Addresses
from taigan.bolink.wire.client import BolinkClient, Transport
from taigan.bolink.wire.codec import read, write
from taigan.bolink.wire.envelope import Envelope, open_envelope, open_flat, seal
from taigan.bolink.wire.signing import Signature, SignedText, compact, sign, verify

__all__ = [
    "CATALOGUE",
    "PRODUCTION",
    "TEST",
    "Addresses",
    "AnyInterface",
    "BadAnswer",
    "BadMessage",
    "BolinkClient",
    "BolinkError",
    "Completeness",
    "Direction",
    "Entry",
    "EntryTaken",
    "Envelope",
    "Exit",
    "ExitTaken",
    "GetQrCode",
    "Interface",
    "NoPlateEntry",
    "NoPlateEntryAnswer",
    "NoPlateSettings",
    "NoPlateState",
    "QrCode",
    "Refused",
    "SetSmsCheck",
    "Signature",
    "SignedText",
    "SmsCheckSet",
    "TimedOut",
    "Transport",
    "Unreachable",
    "VerifyCode",
    "VerifyCodeAnswer",
    "Wrapping",
    "by_section",
    "by_service",
    "compact",
    "example_of",
    "fen",
    "moment",
    "open_envelope",
    "open_flat",
    "read",
    "seal",
    "seconds",
    "sign",
    "verify",
    "write",
    "yuan",
]
