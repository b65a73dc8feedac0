"""Tell which search spaces there are."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from device_db import Accuracies
from service.schemas.spaces import SpaceInfo, SpaceList
from service.space_catalogue import is_index_ready
from spaces import SearchSpace, is_enumerable


def list_spaces(session: Session, spaces: Mapping[str, SearchSpace]) -> SpaceList:
    """Every search space by name."""
    accuracies = Accuracies(session)
    return SpaceList(
        spaces=[
            SpaceInfo(
                name=name,
                size=space.size,
                positions=len(space.choices),
                choices=[list(names) for names in space.choices],
                is_enumerable=is_enumerable(space),
                accepts_index=is_index_ready(space),
                accuracy_datasets=accuracies.datasets(name),
            )
            for name, space in sorted(spaces.items())
        ]
    )
