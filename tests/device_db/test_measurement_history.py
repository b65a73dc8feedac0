"""Any sequence of uploads and undos agrees with a model: per key a stack of (upload, value)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import device_db
from device_db import DeviceKind, Devices, Measurements, UndoCounts
from device_db.models import Measurement

_uploads = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 2.0])), max_size=6), min_size=1, max_size=5
)


class _Model:
    """What the measurements should be, in the simplest way."""

    def __init__(self):
        self.stacks: dict[str, list[tuple[str, float]]] = {}

    def store(self, upload: str, rows: list[tuple[str, float]]) -> None:
        for key, value in rows:
            stack = self.stacks.setdefault(key, [])
            if not stack or stack[-1][1] != value:
                stack.append((upload, value))

    def undo(self, upload: str) -> UndoCounts:
        removed = restored = 0
        for key, stack in self.stacks.items():
            kept = [entry for entry in stack if entry[0] != upload]
            removed += len(stack) - len(kept)
            restored += bool(kept) and kept[-1] is not stack[-1]
            self.stacks[key] = kept
        return UndoCounts(removed, restored)

    def current(self) -> dict[str, float]:
        return {key: stack[-1][1] for key, stack in self.stacks.items() if stack}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uploads=_uploads, chunk=st.integers(1, 4), data=st.data())
def test_uploads_and_undos_in_any_order_agree_with_the_model(engine, row, uploads, chunk, data):
    undo_order = data.draw(st.permutations(range(len(uploads))))
    model = _Model()
    with device_db.session_factory(engine)() as session:  # rolled back after each example
        Devices(session).add("phone", DeviceKind.measured)
        measurements = Measurements(session)
        ids = []
        for rows in uploads:
            upload = measurements.begin_upload("u", "s")
            ids.append(upload.id)
            measurements.store(upload, [row(key, value) for key, value in rows], chunk=chunk)
            model.store(upload.id, rows)
            assert measurements.lookup("phone", "s", "abc") == model.current()
        for number in undo_order:
            assert measurements.undo(ids[number]) == model.undo(ids[number])
            assert measurements.lookup("phone", "s", "abc") == model.current()
        assert session.scalar(select(func.count()).select_from(Measurement)) == 0
