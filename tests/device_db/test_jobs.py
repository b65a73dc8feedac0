import threading
from datetime import timedelta

import pytest

import device_db
from device_db import JobNotFoundError, Jobs, JobState, JobStateError, QueueFullError
from device_db.column_types import utc_now

_AT_ONCE = timedelta(0)


def _started(session, worker="w"):
    jobs = Jobs(session)
    jobs.create("search", {})
    job = jobs.claim(worker)
    assert job is not None
    return job


def test_create_then_get_returns_the_request(session):
    request = {"space": "nb201", "objectives": ["latency_ms"], "limit": None}
    created = Jobs(session).create("search", request)
    session.expire_all()
    job = Jobs(session).get(created.id)
    assert (job.state, job.request, job.progress) == (JobState.queued, request, {})
    assert (job.result, job.error, job.worker) == (None, None, None)


def test_every_verb_on_an_unknown_job_is_refused(session):
    jobs = Jobs(session)
    for verb in (
        jobs.get,
        jobs.cancel,
        lambda job_id: jobs.heartbeat(job_id, {}),
        lambda job_id: jobs.finish(job_id, {}),
        lambda job_id: jobs.fail(job_id, {}),
    ):
        with pytest.raises(JobNotFoundError):
            verb("none")


def test_claim_takes_the_oldest_and_then_none(session):
    jobs = Jobs(session)
    ids = [jobs.create("k", {}).id for _ in range(3)]
    claimed = [jobs.claim("w") for _ in range(4)]
    assert [job and job.id for job in claimed] == [*ids, None]
    assert all(job.state is JobState.running and job.worker == "w" and job.attempts == 1 for job in claimed if job)


def test_claim_of_some_kinds_leaves_the_others(session):
    jobs = Jobs(session)
    first, second, third = (jobs.create(kind, {}).id for kind in ("long", "short", "short"))
    assert jobs.counts(["short"]) == {JobState.queued: 2}
    assert [job and job.id for job in (jobs.claim("w", ["short"]) for _ in range(3))] == [second, third, None]
    assert jobs.counts(["short"]) == {JobState.running: 2}
    assert jobs.counts([]) == {}
    assert jobs.claim("w", []) is None
    claimed = jobs.claim("w", ["short", "long"])
    assert claimed is not None
    assert claimed.id == first


def test_finish_stores_the_result(session):
    job = _started(session)
    assert Jobs(session).heartbeat(job.id, {"evaluations": 7}) is False
    done = Jobs(session).finish(job.id, {"front": [1]}, worker="w")
    assert (done.state, done.result, done.progress) == (JobState.succeeded, {"front": [1]}, {"evaluations": 7})
    assert done.finished_at is not None


def test_fail_stores_the_error(session):
    job = _started(session)
    assert Jobs(session).fail(job.id, {"reason": "no"}).state is JobState.failed
    assert Jobs(session).get(job.id).error == {"reason": "no"}


def test_finish_of_a_job_that_is_not_running_is_refused(session):
    queued = Jobs(session).create("k", {})
    with pytest.raises(JobStateError) as caught:
        Jobs(session).finish(queued.id, {})
    assert caught.value.state == "queued"
    job = Jobs(session).claim("w")
    assert job is not None
    Jobs(session).finish(job.id, {})
    with pytest.raises(JobStateError):
        Jobs(session).fail(job.id, {})


def test_is_to_stop_once_cancelled_lost_or_gone(session):
    job = _started(session)
    jobs = Jobs(session)
    assert not jobs.is_to_stop(job.id, worker="w")
    assert jobs.is_to_stop(job.id, worker="other")
    assert jobs.is_to_stop("none", worker="w")
    jobs.cancel(job.id)
    assert jobs.is_to_stop(job.id, worker="w")


def test_requeue_lost_takes_the_jobs_of_those_workers_alone(session):
    jobs = Jobs(session)
    lost, cancelled, kept = (_started(session, worker) for worker in ("dead", "dead-too", "alive"))
    jobs.cancel(cancelled.id)
    assert jobs.workers() == ["alive", "dead", "dead-too"]
    assert jobs.requeue_lost(["dead", "dead-too"]) == 2
    states = [jobs.get(job.id).state for job in (lost, cancelled, kept)]
    assert states == [JobState.queued, JobState.cancelled, JobState.running]
    for _ in range(2):
        jobs.claim("dead")
        jobs.requeue_lost(["dead"])
    assert jobs.get(lost.id).state is JobState.failed


def test_cancel_of_a_queued_job_ends_it(session):
    job = Jobs(session).create("k", {})
    assert Jobs(session).cancel(job.id).state is JobState.cancelled
    assert Jobs(session).claim("w") is None


def test_cancel_of_a_running_job_asks_its_worker_to_stop(session):
    job = _started(session)
    assert Jobs(session).cancel(job.id).state is JobState.running
    assert Jobs(session).heartbeat(job.id, {}) is True
    ended = Jobs(session).finish(job.id, {"front": ["so far"]})
    assert (ended.state, ended.result) == (JobState.cancelled, {"front": ["so far"]})


def test_cancel_of_an_ended_job_leaves_it(session):
    job = _started(session)
    Jobs(session).finish(job.id, {})
    assert Jobs(session).cancel(job.id).state is JobState.succeeded


def test_requeue_stale_gives_a_silent_workers_job_to_another(session):
    job = _started(session, "first")
    jobs = Jobs(session)
    assert jobs.requeue_stale(timedelta(hours=1)) == 0
    assert jobs.requeue_stale(_AT_ONCE) == 1
    again = jobs.claim("second")
    assert again is not None
    assert (again.id, again.worker, again.attempts) == (job.id, "second", 2)
    assert jobs.heartbeat(job.id, {}, worker="first") is True
    with pytest.raises(JobStateError):
        jobs.finish(job.id, {}, worker="first")
    assert jobs.finish(job.id, {}, worker="second").state is JobState.succeeded


def test_requeue_stale_fails_a_job_that_lost_every_worker(session):
    job = _started(session)
    jobs = Jobs(session)
    jobs.requeue_stale(_AT_ONCE, max_attempts=2)
    assert jobs.claim("w") is not None
    assert jobs.requeue_stale(_AT_ONCE, max_attempts=2) == 1
    lost = jobs.get(job.id)
    assert lost.state is JobState.failed
    assert lost.error == {"reason": "lost its worker 2 times"}


def test_requeue_stale_cancels_a_job_that_was_asked_to_stop(session):
    job = _started(session)
    Jobs(session).cancel(job.id)
    assert Jobs(session).requeue_stale(_AT_ONCE) == 1
    assert Jobs(session).get(job.id).state is JobState.cancelled


def test_release_puts_the_job_back_without_counting_the_start(session):
    job = _started(session)
    Jobs(session).release(job.id, "other")
    assert Jobs(session).get(job.id).state is JobState.running
    Jobs(session).release(job.id, "w")
    released = Jobs(session).get(job.id)
    assert (released.state, released.attempts, released.worker) == (JobState.queued, 0, None)


def test_release_of_a_job_that_was_asked_to_stop_cancels_it(session):
    job = _started(session)
    Jobs(session).cancel(job.id)
    Jobs(session).release(job.id, "w")
    released = Jobs(session).get(job.id)
    assert released.state is JobState.cancelled
    assert released.finished_at is not None


def test_counts_are_by_state(session):
    _started(session)
    Jobs(session).create("k", {})
    Jobs(session).create("k", {})
    assert Jobs(session).counts() == {JobState.running: 1, JobState.queued: 2}


def test_concurrent_claims_hand_every_job_out_once(engine):
    factory = device_db.session_factory(engine)
    with factory.begin() as session:
        created = {Jobs(session).create("k", {"n": number}).id for number in range(40)}
    claimed = []
    start = threading.Barrier(5)

    def work(name: str) -> None:
        start.wait()
        while True:
            with factory.begin() as session:
                job = Jobs(session).claim(name)
            if job is None:
                return
            claimed.append(job.id)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(created)
    assert set(claimed) == created


def test_queue_takes_no_more_than_it_may_from_clients_at_once(engine):
    factory = device_db.session_factory(engine)
    start = threading.Barrier(6)
    outcomes = []

    def submit() -> None:
        start.wait()
        for _ in range(3):
            try:
                with factory.begin() as session:
                    Jobs(session).create("k", {}, most_queued=5)
                outcomes.append("queued")
            except QueueFullError as error:
                outcomes.append(error.limit)

    threads = [threading.Thread(target=submit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [5] * 13 + ["queued"] * 5
    with factory.begin() as session:
        assert Jobs(session).counts() == {JobState.queued: 5}
        assert Jobs(session).claim("w") is not None
        Jobs(session).create("k", {}, most_queued=5)


def test_prune_removes_ended_jobs_only(session):
    jobs = Jobs(session)
    ended = _started(session)
    jobs.finish(ended.id, {})
    cancelled = jobs.create("search", {})
    jobs.cancel(cancelled.id)
    running = _started(session)
    queued = jobs.create("search", {})
    assert jobs.prune(utc_now() - timedelta(days=1)) == 0
    assert jobs.prune(utc_now() + timedelta(days=1)) == 2
    assert [jobs.get(kept.id).id for kept in (running, queued)] == [running.id, queued.id]
    for gone in (ended, cancelled):
        with pytest.raises(JobNotFoundError):
            jobs.get(gone.id)


def test_checkpoint_is_kept_for_the_next_worker_and_gone_when_the_job_has_ended(session):
    jobs = Jobs(session)
    job = _started(session)
    assert jobs.checkpoint(job.id) is None
    for state in (b"one", b"two"):
        jobs.store_checkpoint(job.id, state, worker="w")
    assert jobs.checkpoint(job.id) == b"two"
    jobs.store_checkpoint(job.id, b"three", worker="other")
    assert jobs.checkpoint(job.id) == b"two"
    jobs.requeue_lost(["w"])
    again = jobs.claim("other")
    assert again is not None
    assert jobs.checkpoint(job.id) == b"two"
    jobs.finish(job.id, {}, worker="other")
    assert jobs.checkpoint(job.id) is None


@pytest.mark.parametrize("end", ["release", "lose", "fail", "cancel"])
def test_checkpoint_of_a_job_that_ends_otherwise_is_gone_too(session, end):
    jobs = Jobs(session)
    job = _started(session)
    jobs.store_checkpoint(job.id, b"state", worker="w")
    if end in ("release", "lose"):
        jobs.cancel(job.id)
        jobs.release(job.id, "w") if end == "release" else jobs.requeue_lost(["w"])
    elif end == "fail":
        jobs.fail(job.id, {"reason": "no"})
    else:
        jobs.release(job.id, "w")
        assert jobs.checkpoint(job.id) == b"state"
        jobs.cancel(job.id)
    assert jobs.checkpoint(job.id) is None
