"""Our tables, as they are."""

from __future__ import annotations

from django.db import models

STATES = [("in", "在场"), ("waiting", "等待"), ("out", "已离场"), ("abandoned", "已放弃"), ("void", "作废")]


class Bill(models.Model):
    order_id = models.TextField(primary_key=True)
    lot_id = models.TextField()
    charge_fen = models.BigIntegerField(null=True)
    paid_fen = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "bills"


class Stay(models.Model):
    order_id = models.TextField(primary_key=True)
    lot_id = models.TextField()
    state = models.TextField("状态", choices=STATES)
    licence = models.TextField()
    plate = models.TextField("车牌")
    channel_id = models.TextField("车道号")
    requested_at = models.DateTimeField()
    in_at = models.DateTimeField("入场", null=True)
    closed_at = models.DateTimeField("离场", null=True)
    review = models.TextField("待查")

    class Meta:
        managed = False
        db_table = "orders"
        verbose_name_plural = "停车记录"


class Payment(models.Model):
    payment_id = models.TextField(primary_key=True)
    lot_id = models.TextField()
    way = models.TextField()
    state = models.TextField()
    fen = models.BigIntegerField()
    paid_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "payments"
