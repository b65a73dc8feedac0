"""Bodies of /jobs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from device_db import JobState
from service.schemas.searches import SearchAnswer
from service.schemas.synthesis import SynthesisAnswer


class JobProgress(BaseModel):
    """How far a job is."""

    evaluations: int = Field(default=0, description="architectures of a search, flows of a synthesis")
    limit: int | None = None
    preparing: str | None = Field(
        default=None, description="what a search computes before it begins; `evaluations` and `limit` are its steps"
    )
    seconds: float = 0.0
    failed: int = Field(default=0, description="evaluations with a metric that was not finite")
    front_size: int | None = Field(
        default=None, description="members of the whole front, of which `front` has the most"
    )


class JobView(BaseModel):
    """A job and what it has found so far."""

    job: str
    kind: str
    state: JobState
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: JobProgress
    front: list[dict[str, Any]] = Field(description="the front so far, with the objectives only; final in `result`")
    result: SearchAnswer | SynthesisAnswer | None = Field(description="of the job's kind")
    problem: dict[str, Any] | None = Field(description="RFC 9457 problem of a failed job")


class FrontPage(BaseModel):
    """Part of a front."""

    job: str
    state: JobState
    total: int = Field(description="members that can be read, of a front larger than 1,000 these")
    offset: int
    next_offset: int | None = Field(description="of the next page; null after the last one")
    front: list[dict[str, Any]]
