"""Check whether the database can serve."""

from sqlalchemy import Engine

from device_db import DatabaseError
from service.errors import UnavailableError


def check_readiness(engine: Engine) -> None:
    """Return if the database answers and has this version's schema. Raises: UnavailableError with the reason."""
    from migrations import current, head  # brings Alembic, which only this check needs

    try:
        revision = current(engine)
    except DatabaseError as error:
        raise UnavailableError("the database cannot be reached") from error
    if revision != head():
        raise UnavailableError(f"the database schema is at {revision}, not at {head()}: run `archcast migrate`")
