"""Register a device that will be measured."""

from sqlalchemy.orm import Session

from device_db import DeviceKind, Devices
from service.schemas.devices import DeviceDetail, NewDevice
from service.use_cases.describe_devices import describe_device


def register_device(session: Session, request: NewDevice) -> DeviceDetail:
    """The new device, without samples. Raises: DeviceExistsError."""
    device = Devices(session).add(request.name, DeviceKind(request.kind), request.description)
    return describe_device(session, device.name)
