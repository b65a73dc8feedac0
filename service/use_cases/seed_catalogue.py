"""Register the hardware that comes with archcast as simulated devices."""

from typing import Any

from sqlalchemy.orm import Session

from device_db import DeviceExistsError, DeviceKind, Devices
from targets import hardware_names, load_hardware


def seed_catalogue(session: Session) -> int:
    """Add what is missing, bring the rest up to date, and return how many devices that changed.

    A device of another kind that has the name of a catalogue's one stays as it is.
    """
    return sum(_add_or_update(session, name) for name in hardware_names())


def _add_or_update(session: Session, name: str) -> bool:
    hardware = load_hardware(name)
    config = hardware.model_dump(mode="json")
    try:
        Devices(session).add(name, DeviceKind.simulated, hardware.description, hardware.target, config)
    except DeviceExistsError:
        return _update(
            session, name, {"description": hardware.description, "target": hardware.target, "config": config}
        )
    return True


def _update(session: Session, name: str, wanted: dict[str, Any]) -> bool:
    device = Devices(session).get(name)
    if device.kind is not DeviceKind.simulated:
        return False
    changes = {attribute: value for attribute, value in wanted.items() if getattr(device, attribute) != value}
    for attribute, value in changes.items():
        setattr(device, attribute, value)
    session.flush()
    return bool(changes)
