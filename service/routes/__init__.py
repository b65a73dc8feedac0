"""One file of routes per resource; each calls a use case."""

from typing import Final

from fastapi import APIRouter

from service.routes import (
    accuracies,
    admin,
    devices,
    encodings,
    health,
    jobs,
    models,
    predictions,
    searches,
    spaces,
    synthesis,
    targets,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    predictions.router,
    searches.router,
    targets.router,
    synthesis.router,
    jobs.router,
    devices.router,
    models.router,
    admin.router,
    accuracies.router,
    spaces.router,
    encodings.router,
    health.router,
)
