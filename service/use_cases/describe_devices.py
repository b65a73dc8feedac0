"""Tell which devices there are and where their numbers come from."""

from collections.abc import Iterable, Mapping

from sqlalchemy.orm import Session

from device_db import Artifact, Artifacts, DeviceKind, Devices
from service.lookup import find_space
from service.schemas.devices import DeviceDetail, DeviceInfo, DeviceList, PredictorVersion
from service.schemas.predictions import PredictorInfo
from service.search_metrics import device_metrics
from spaces import SearchSpace


def list_devices(
    session: Session, spaces: Mapping[str, SearchSpace], kind: DeviceKind | None = None, space: str | None = None
) -> DeviceList:
    """Devices by name: of one kind, or with samples in one space. Raises: UnknownSpaceError."""
    if space is not None:
        find_space(spaces, space)
    devices = Devices(session).list(kind, space)
    counts = Devices(session).counts()
    return DeviceList(
        devices=[
            DeviceInfo(
                name=device.name,
                kind=device.kind,
                description=device.description,
                samples=counts.get(device.name, {}),
                metrics=device_metrics(device),
            )
            for device in devices
        ]
    )


def describe_device(session: Session, name: str) -> DeviceDetail:
    """One device with its samples and predictors. Raises: DeviceNotFoundError."""
    device = Devices(session).get(name)
    samples = Devices(session).counts([name]).get(name, {})
    return DeviceDetail(
        name=device.name,
        kind=device.kind,
        description=device.description,
        samples=samples,
        metrics=device_metrics(device),
        created_at=device.created_at,
        target=device.target,
        hardware=device.config.get("name"),
        predictors=[_predictor_version(artifact) for artifact in _latest(session, name, samples)],
    )


def _latest(session: Session, device: str, spaces: Iterable[str]) -> list[Artifact]:
    found = (Artifacts(session).latest(device, space) for space in sorted(spaces))
    return [artifact for artifact in found if artifact is not None]


def _predictor_version(artifact: Artifact) -> PredictorVersion:
    return PredictorVersion(
        space=artifact.space, created_at=artifact.created_at, **PredictorInfo.of(artifact).model_dump()
    )
