"""The addresses: the admin, and a report."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from django.contrib import admin
from django.db import models
from django.db.models.functions import TruncDay
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from benchmarks.usual.office.models import Payment

YEAR = os.environ.get("YEAR", "")


def income(request: HttpRequest) -> HttpResponse:
    """What came in by day and way, from one day to another."""
    first, last = (timezone.make_aware(datetime.fromisoformat(request.GET[name])) for name in ("from", "to"))
    rows = (
        Payment.objects.filter(lot_id=YEAR, state="paid", paid_at__gte=first, paid_at__lt=last + timedelta(days=1))
        .annotate(day=TruncDay("paid_at"))
        .values("day", "way")
        .annotate(count=models.Count("*"), fen=models.Sum("fen"))
        .order_by("day", "way")
    )
    shown = [{**row, "yuan": f"{row['fen'] / 100:.2f}"} for row in rows]
    return render(request, "report.html", {**admin.site.each_context(request), "rows": shown})


urlpatterns = [
    path("admin/income", admin.site.admin_view(income)),
    path("admin/", admin.site.urls),
]
