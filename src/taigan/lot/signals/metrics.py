"""What the platform counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry per platform; nothing of it is global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.callbacks = Counter(
            "taigan_callbacks_total",
            "Callbacks answered, by service_name and the answer's state",
            ["service_name", "state"],
            registry=self.registry,
        )
        self.refused_requests = Counter(
            "taigan_refused_requests_total",
            "Callbacks that were not from BoLink or unusable, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.signatures = Counter(
            "taigan_signatures_total",
            "Verified callbacks, by what the signature matched and which key",
            ["form", "key"],
            registry=self.registry,
        )
        self.clock_skew = Counter(
            "taigan_clock_skew_total", "Callbacks whose time was off by too much", registry=self.registry
        )
        self.entry_seconds = Histogram(
            "taigan_entry_seconds",
            "From a no-plate request to its answer",
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 4, 5),
            registry=self.registry,
        )
        self.lifts = Counter(
            "taigan_lifts_total", "Barrier commands, by cause and outcome", ["cause", "outcome"], registry=self.registry
        )
        self.barriers = Gauge("taigan_barriers", "Barriers, by whether they answer", ["state"], registry=self.registry)
        self.alarms = Counter("taigan_alarms_total", "Alarms raised, by kind", ["kind"], registry=self.registry)
        self.pictures = Counter(
            "taigan_pictures_total",
            "Pictures that cameras sent, by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self.uploads = Counter(
            "taigan_uploads_total",
            "Uploads tried, by section and result",
            ["section", "result"],
            registry=self.registry,
        )
        self.queue_length = Gauge("taigan_delivery_queue_length", "Messages owed to BoLink", registry=self.registry)
        self.queue_age = Gauge(
            "taigan_delivery_queue_age_seconds", "Age of the oldest message owed to BoLink", registry=self.registry
        )
        self.commit_seconds = Histogram(
            "taigan_commit_seconds",
            "Time of the entry path's transactions, by commit",
            ["commit"],
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
