"""Syntheses: what a tool found out about a circuit, kept by the circuit's hash, the flow and the tool's version."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_db.column_types import utc_now
from device_db.models import Synthesis
from device_db.repositories.statements import insert_or_ignore


class Syntheses:
    """One result per circuit, flow, tool and version; the first that is stored stays."""

    def __init__(self, session: Session):
        self._session = session

    def find(self, circuit_hash: str, flow: str, tool: str, tool_version: str) -> Synthesis | None:
        """What this version of the tool has found out, if it was ever asked."""
        return self._session.scalar(
            select(Synthesis).where(
                Synthesis.circuit_hash == circuit_hash,
                Synthesis.flow == flow,
                Synthesis.tool == tool,
                Synthesis.tool_version == tool_version,
            )
        )

    def store(
        self,
        circuit_hash: str,
        flow: str,
        tool: str,
        tool_version: str,
        *,
        circuit: Mapping[str, Any],
        figures: Mapping[str, Any],
        seconds: float,
    ) -> None:
        """Keep a result; nothing, where another worker has stored the same one meanwhile.

        Raises: ConstraintError for what is no SHA-256 or no duration.
        """
        self._session.execute(
            insert_or_ignore(self._session, Synthesis).values(
                circuit_hash=circuit_hash,
                flow=flow,
                tool=tool,
                tool_version=tool_version,
                circuit=dict(circuit),
                figures=dict(figures),
                seconds=seconds,
                created_at=utc_now(),
            )
        )
