"""The list of stays."""

from __future__ import annotations

import os
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from benchmarks.usual.office.models import Bill, Stay

LOT = os.environ.get("LOT", "")


class StayAdmin(admin.ModelAdmin):
    list_display = ("plate", "state", "channel_id", "in_at", "closed_at", "length", "charge", "paid", "review")
    list_filter = ("state",)
    search_fields = ("licence", "plate")
    ordering = ("-requested_at", "-order_id")
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        bill = Bill.objects.filter(lot_id=models.OuterRef("lot_id"), order_id=models.OuterRef("order_id"))
        stays = super().get_queryset(request).filter(lot_id=LOT)
        return stays.annotate(
            charge_fen=models.Subquery(bill.values("charge_fen")[:1]),
            paid_fen=models.Subquery(bill.values("paid_fen")[:1]),
        )

    def length(self, stay: Any) -> str:
        return str(stay.closed_at - stay.in_at).partition(".")[0] if stay.closed_at and stay.in_at else "–"

    def charge(self, stay: Any) -> str:
        return "" if stay.charge_fen is None else f"{stay.charge_fen / 100:.2f}"

    def paid(self, stay: Any) -> str:
        return f"{(stay.paid_fen or 0) / 100:.2f}"


admin.site.register(Stay, StayAdmin)
