"""Every interface of the document, one line each."""

from __future__ import annotations

from taigan.bolink.chapters import (
    callbacks,
    commands,
    community,
    invoices,
    lots,
    no_plate,
    people,
    reconciliation,
    reports,
    trade,
)
from taigan.bolink.describing.interface import AnyInterface

CATALOGUE: tuple[AnyInterface, ...] = (
    *lots.INTERFACES,
    *trade.INTERFACES,
    *reconciliation.INTERFACES,
    *callbacks.INTERFACES,
    *invoices.INTERFACES,
    *no_plate.INTERFACES,
    *community.INTERFACES,
    *people.INTERFACES,
    *reports.INTERFACES,
    *commands.INTERFACES,
)

_BY_SECTION = {interface.section: interface for interface in CATALOGUE}
_BY_SERVICE = {verb: interface for interface in CATALOGUE for verb in (interface.service_name, interface.event) if verb}


def by_section(section: str) -> AnyInterface:
    """The interface with that number. KeyError when there is none."""
    return _BY_SECTION[section]


def by_service(service_name: str) -> AnyInterface | None:
    """The interface with that verb, or that event where the document has no verb; None for an unknown one."""
    return _BY_SERVICE.get(service_name)
