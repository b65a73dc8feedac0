"""Jobs: a queue of work in the database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, ColumnExpressionArgument, case, delete, func, insert, not_, select, true, update
from sqlalchemy.orm import Session

from device_db.column_types import utc_now
from device_db.errors import JobNotFoundError, JobStateError, QueueFullError
from device_db.models import Job, JobCheckpoint, JobState
from device_db.repositories.statements import is_postgresql

_CLAIMABLE = Job.state == JobState.queued
_RUNNING = Job.state == JobState.running
_QUEUE_LOCK = 0x61726368  # any number that is no other lock's


@dataclass(frozen=True, slots=True)
class JobStanding:
    """How a job stands, without what it has found.

    Attributes:
        progress: the members asked for, None where the job has not reported one.
    """

    state: JobState
    attempts: int
    progress: Mapping[str, Any]


class Jobs:
    """Jobs, claimed in the order of their creation and each by one worker only.

    A worker commits right after `claim`, calls `heartbeat` more often than `requeue_stale` waits, and ends the job with
    `finish` or `fail`. Naming the `worker` there refuses one whose job was given to another in the meantime.
    """

    def __init__(self, session: Session):
        self._session = session

    def create(self, kind: str, request: Mapping[str, Any], *, most_queued: int | None = None) -> Job:
        """Queue a job.

        Args: most_queued: jobs of its kind that may be queued with this one; one at a time is counted and added, until
            the commit.
        Raises: QueueFullError.
        """
        if most_queued is not None:
            if is_postgresql(self._session):  # SQLite has one writer at a time
                self._session.execute(select(func.pg_advisory_xact_lock(_QUEUE_LOCK)))
            if self.counts([kind]).get(JobState.queued, 0) >= most_queued:
                raise QueueFullError(most_queued)
        job = Job(id=str(uuid4()), kind=kind, request=dict(request), state=JobState.queued, progress={})
        self._session.add(job)
        self._session.flush()
        return job

    def get(self, job_id: str) -> Job:
        """The job as stored now. Raises: JobNotFoundError."""
        job = self._session.scalar(select(Job).where(Job.id == job_id).execution_options(populate_existing=True))
        if job is None:
            raise JobNotFoundError(job_id)
        return job

    def standing(self, job_id: str, progress: Sequence[str]) -> JobStanding:
        """How the job stands and some members of its progress, however large the others are.

        Raises: JobNotFoundError.
        """
        members = [Job.progress[name].label(f"member_{number}") for number, name in enumerate(progress)]
        row = self._session.execute(select(Job.state, Job.attempts, *members).where(Job.id == job_id)).one_or_none()
        if row is None:
            raise JobNotFoundError(job_id)
        values = tuple(row)
        return JobStanding(values[0], values[1], dict(zip(progress, values[2:], strict=True)))

    def claim(self, worker: str, kinds: Collection[str] | None = None) -> Job | None:
        """Start the oldest queued job, of some kinds where these are given; None if there is none."""
        oldest = (
            select(Job.id)
            .where(_CLAIMABLE, _is_of(kinds))
            .order_by(Job.created_at, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite has one writer at a time and leaves this out
            .scalar_subquery()
        )
        now = utc_now()
        return self._update(
            (Job.id == oldest) & _CLAIMABLE,
            state=JobState.running,
            worker=worker,
            attempts=Job.attempts + 1,
            started_at=now,
            heartbeat_at=now,
        )

    def heartbeat(self, job_id: str, progress: Mapping[str, Any], *, worker: str | None = None) -> bool:
        """Report progress; returns whether to stop: someone asked for it, or the job is no longer this worker's.

        Raises: JobNotFoundError.
        """
        job = self._update(_is_running(job_id, worker), progress=dict(progress), heartbeat_at=utc_now())
        if job is None:
            self.get(job_id)
            return True
        return job.cancel_requested

    def is_to_stop(self, job_id: str, *, worker: str) -> bool:
        """What `heartbeat` would return, without a report: it only reads, and waits for no writer."""
        goes_on = select(Job.id).where(_is_running(job_id, worker), not_(Job.cancel_requested))
        return self._session.scalar(goes_on) is None

    def store_checkpoint(self, job_id: str, state: bytes, *, worker: str) -> None:
        """Keep what the job's next worker would go on from; nothing, if the job is no longer this worker's."""
        if self._session.scalar(select(Job.id).where(_is_running(job_id, worker))) is None:
            return
        changed = update(JobCheckpoint).where(JobCheckpoint.job_id == job_id).values(state=state)
        if self._session.scalar(changed.returning(JobCheckpoint.job_id)) is None:
            self._session.execute(insert(JobCheckpoint).values(job_id=job_id, state=state))

    def checkpoint(self, job_id: str) -> bytes | None:
        """What an earlier worker left to go on from; None where it left nothing, or the job has ended."""
        return self._session.scalar(select(JobCheckpoint.state).where(JobCheckpoint.job_id == job_id))

    def finish(self, job_id: str, result: Mapping[str, Any], *, worker: str | None = None) -> Job:
        """End a running job with its result: as succeeded, or as cancelled if someone asked for that.

        Raises: JobNotFoundError, JobStateError.
        """
        state = case((Job.cancel_requested, JobState.cancelled), else_=JobState.succeeded)
        return self._end(job_id, worker, state=state, result=dict(result))

    def fail(self, job_id: str, error: Mapping[str, Any], *, worker: str | None = None) -> Job:
        """End a running job with an error. Raises: JobNotFoundError, JobStateError."""
        return self._end(job_id, worker, state=JobState.failed, error=dict(error))

    def release(self, job_id: str, worker: str) -> None:
        """Give a running job back to the queue, as a worker does that is being stopped; this start does not count."""
        self._update(
            _is_running(job_id, worker),
            state=case((Job.cancel_requested, JobState.cancelled), else_=JobState.queued),
            finished_at=case((Job.cancel_requested, utc_now()), else_=None),
            worker=None,
            heartbeat_at=None,
            attempts=Job.attempts - 1,
        )
        self._drop_checkpoints()

    def cancel(self, job_id: str) -> Job:
        """Cancel a queued job at once, ask a running one to stop, leave an ended one. Raises: JobNotFoundError."""
        queued = self._update(
            (Job.id == job_id) & _CLAIMABLE,
            state=JobState.cancelled,
            cancel_requested=True,
            finished_at=utc_now(),
        )
        if queued is not None:
            self._drop_checkpoints()
            return queued
        return self._update(_is_running(job_id, None), cancel_requested=True) or self.get(job_id)

    def workers(self) -> list[str]:
        """Who has a running job, sorted."""
        query = select(Job.worker).where(_RUNNING, Job.worker.is_not(None)).distinct().order_by(Job.worker)
        return [worker for worker in self._session.scalars(query) if worker is not None]

    def requeue_stale(self, older_than: timedelta, max_attempts: int = 3) -> int:
        """Queue again the running jobs whose worker has not reported for `older_than`; returns how many were stale.

        A job that someone asked to stop is cancelled, and one that was started `max_attempts` times fails: it may be
        what kills its workers.
        """
        return self._requeue(Job.heartbeat_at < utc_now() - older_than, max_attempts)

    def requeue_lost(self, workers: Iterable[str], max_attempts: int = 3) -> int:
        """The same for the running jobs of workers that are known to have ended, whenever they last reported."""
        return self._requeue(Job.worker.in_(list(workers)), max_attempts)

    def counts(self, kinds: Collection[str] | None = None) -> dict[JobState, int]:
        """Number of jobs, of some kinds where these are given, in each state that has any."""
        query = select(Job.state, func.count()).where(_is_of(kinds)).group_by(Job.state)
        return dict(self._session.execute(query).all())

    def prune(self, finished_before: datetime) -> int:
        """Remove the jobs that ended before a time; returns how many."""
        removed = self._session.scalars(
            delete(Job)
            .where(Job.finished_at < finished_before, not_(Job.state.in_([JobState.queued, JobState.running])))
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        )
        return len(removed.all())

    def _requeue(self, condition: ColumnElement[bool], max_attempts: int) -> int:
        stale = (_RUNNING, condition)
        exhausted = Job.attempts >= max_attempts
        error = {"reason": f"lost its worker {max_attempts} times"}
        ended = {"finished_at": utc_now()}
        count = (
            self._update_many(*stale, Job.cancel_requested, state=JobState.cancelled, **ended)
            + self._update_many(*stale, exhausted, state=JobState.failed, error=error, **ended)
            + self._update_many(*stale, state=JobState.queued, worker=None, heartbeat_at=None)
        )
        if count:
            self._drop_checkpoints()
        return count

    def _end(self, job_id: str, worker: str | None, **values: Any) -> Job:
        job = self._update(_is_running(job_id, worker), finished_at=utc_now(), **values)
        if job is None:
            current = self.get(job_id)
            raise JobStateError(job_id, current.state, current.worker)
        self._session.execute(delete(JobCheckpoint).where(JobCheckpoint.job_id == job_id))
        return job

    def _drop_checkpoints(self) -> None:
        """Remove those of jobs that nobody goes on with."""
        waiting = select(Job.id).where(Job.state.in_([JobState.queued, JobState.running]))
        self._session.execute(delete(JobCheckpoint).where(JobCheckpoint.job_id.not_in(waiting)))

    def _update(self, condition: ColumnElement[bool], **values: Any) -> Job | None:
        """Change at most one job in one statement and return it."""
        statement = update(Job).where(condition).values(**values).returning(Job)
        options = {"synchronize_session": False, "populate_existing": True}
        return self._session.scalar(statement, execution_options=options)

    def _update_many(self, *conditions: ColumnExpressionArgument[bool], **values: Any) -> int:
        statement = update(Job).where(*conditions).values(**values).returning(Job.id)
        return len(self._session.scalars(statement, execution_options={"synchronize_session": False}).all())


def _is_of(kinds: Collection[str] | None) -> ColumnElement[bool]:
    return true() if kinds is None else Job.kind.in_(list(kinds))


def _is_running(job_id: str, worker: str | None) -> ColumnElement[bool]:
    return (Job.id == job_id) & _RUNNING & (true() if worker is None else Job.worker == worker)
