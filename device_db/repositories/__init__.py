"""One repository per aggregate. Each takes a Session, flushes and never commits: the caller owns the transaction."""

from device_db.repositories.accuracies import Accuracies
from device_db.repositories.api_keys import ApiKeys
from device_db.repositories.architecture_indices import ArchitectureIndices
from device_db.repositories.artifacts import Artifacts
from device_db.repositories.devices import Devices
from device_db.repositories.encoding_values import EncodingValues
from device_db.repositories.jobs import Jobs, JobStanding
from device_db.repositories.measurements import Measurements
from device_db.repositories.syntheses import Syntheses
from device_db.repositories.uploaded_models import UploadedModels

__all__ = [
    "Accuracies",
    "ApiKeys",
    "ArchitectureIndices",
    "Artifacts",
    "Devices",
    "EncodingValues",
    "JobStanding",
    "Jobs",
    "Measurements",
    "Syntheses",
    "UploadedModels",
]
