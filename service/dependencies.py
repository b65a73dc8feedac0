"""What routes ask for: the state, a session that commits before the answer leaves, the spaces, a JSON body."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from service.errors import UnsupportedMediaTypeError
from service.state import AppState, get_state
from spaces import SearchSpace

StateDep = Annotated[AppState, Depends(get_state)]


def get_session(state: StateDep) -> Iterator[Session]:
    """One transaction: committed when the route returns, rolled back when it raises."""
    with state.sessions.begin() as session:
        yield session


def get_read_session(state: StateDep) -> Iterator[Session]:
    """A session that only reads, and therefore waits for no writer."""
    with state.read_sessions() as session:
        yield session


# With the default scope the commit would come after the response: a failed one could still have answered 200.
SessionDep = Annotated[Session, Depends(get_session, scope="function")]


ReadSessionDep = Annotated[Session, Depends(get_read_session, scope="function")]


def get_spaces(state: StateDep, session: ReadSessionDep) -> Mapping[str, SearchSpace]:
    """Every search space, with the index orders imported so far."""
    return state.spaces.current(session)


SpacesDep = Annotated[Mapping[str, SearchSpace], Depends(get_spaces)]


def accept_json(request: Request) -> None:
    """Refuse a body that does not say it is JSON. Raises: UnsupportedMediaTypeError."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnsupportedMediaTypeError(content_type, ["application/json"])
