"""Prometheus metrics of one application."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters and histograms with a registry of their own, so that two applications in a process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "archcast_requests_total", "HTTP requests.", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "archcast_request_seconds", "Time to answer.", ["method", "route"], buckets=_SECONDS, registry=self.registry
        )
        self.predictions = Counter(
            "archcast_predictions_total",
            "Architectures whose latency was answered, by where the number came from.",
            ["origin"],
            registry=self.registry,
        )
        self.jobs = Gauge("archcast_jobs", "Jobs in the database by state.", ["state"], registry=self.registry)
