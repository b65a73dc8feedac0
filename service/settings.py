"""What a deployment can set, one class per concern; read from ARCHCAST_* variables and checked at start-up."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = SettingsConfigDict(env_prefix="ARCHCAST_", extra="forbid", frozen=True)
_DIALECTS = ("sqlite:", "postgresql:", "postgresql+psycopg:")
_MIB = 1024 * 1024


class StorageSettings(BaseSettings):
    """Where data lives."""

    model_config = _PREFIX

    data_dir: Path = Path("archcast-data")
    database_url: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL; empty means a SQLite file in the data directory"
    )

    @field_validator("database_url")
    @classmethod
    def _known_dialect(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value().replace("postgres://", "postgresql://", 1)
        if url and not url.startswith(_DIALECTS):
            raise ValueError(f"the scheme must be one of {', '.join(_DIALECTS)}")
        return SecretStr(url)

    @property
    def sqlalchemy_url(self) -> str:
        """The database in clear, password included: for `device_db.create_engine`, never for a log."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir.resolve() / 'archcast.db'}"


class HttpSettings(BaseSettings):
    """How the API listens and what it lets in."""

    model_config = _PREFIX

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    max_body_size: int = Field(default=16 * _MIB, gt=0, description="bytes of a JSON request")
    max_upload_size: int = Field(default=1024 * _MIB, gt=0, description="bytes of one measurement upload")
    max_model_size: int = Field(default=256 * _MIB, gt=0, description="bytes of one uploaded ONNX model")
    max_kept_model_size: int = Field(
        default=64 * _MIB, ge=0, description="bytes up to which an uploaded model's file is kept beside its layers"
    )
    anonymous_read: Literal["loopback", "always", "never"] = Field(
        default="loopback", description="from where predictions and searches need no key"
    )


class ComputeSettings(BaseSettings):
    """How much runs at once, and how long a client waits for it."""

    model_config = _PREFIX

    inference_slots: int = Field(default=2, ge=1, description="predictions that run at the same time")
    inference_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 5.0
    predictor_cache: int = Field(default=64, ge=1, description="predictors kept in memory")
    search_wait_seconds: float = Field(default=30.0, ge=0, le=600, description="before POST /search answers 202")
    search_waiters: int = Field(default=16, ge=0, le=30, description="searches waited for at once; more get 202")
    event_streams: int = Field(default=64, ge=0, description="clients that follow jobs at once; more are answered 503")
    max_search_seconds: float = Field(default=3600.0, gt=0, description="ends every search, whatever its budget")
    max_search_evaluations: int = Field(default=2_000_000, gt=0, description="likewise")
    max_uncached_proxies: int = Field(
        default=4, ge=0, description="architectures whose zero-cost proxies an encoding may compute, seconds for each"
    )


class PredictorSettings(BaseSettings):
    """Which predictors devices get."""

    model_config = _PREFIX

    predictor: Literal["auto", "cost_linear", "graph_linear"] = Field(
        default="auto", description="auto takes the one that tells a device's samples best when it has not seen them"
    )

    @field_validator("predictor")
    @classmethod
    def _can_run(cls, value: str) -> str:
        if value == "graph_linear" and find_spec("torch") is None:
            raise ValueError("graph_linear needs torch, which is not installed; auto and cost_linear do without")
        return value


class RetentionSettings(BaseSettings):
    """What `archcast prune` keeps."""

    model_config = _PREFIX

    keep_versions: int = Field(default=10, ge=1, description="newest predictors of a device and space, of any age")
    keep_days: float = Field(default=30.0, ge=0, description="age below which no predictor and no job is removed")


class ModelSettings(BaseSettings):
    """What reading an uploaded model may take."""

    model_config = _PREFIX

    max_model_nodes: int = Field(default=20_000, ge=1, description="nodes of an uploaded ONNX graph")
    model_import_seconds: float = Field(default=60.0, gt=0, le=600, description="for reading one uploaded model")
    model_import_memory: int = Field(
        default=3 * 1024 * _MIB, ge=512 * _MIB, description="bytes of memory for reading one uploaded model"
    )


class SynthesisSettings(BaseSettings):
    """What one run of a synthesis tool may take."""

    model_config = _PREFIX

    max_synthesis_seconds: float = Field(default=600.0, gt=0, le=86_400, description="of one flow")
    max_synthesis_memory: int = Field(
        default=4 * 1024 * _MIB, ge=512 * _MIB, description="bytes of memory for one flow"
    )


class JobSettings(BaseSettings):
    """Who works on the jobs."""

    model_config = _PREFIX

    embedded_workers: int = Field(
        default=1, ge=0, le=64, description="searches that the server runs at once; 0 leaves all to `archcast worker`"
    )
    embedded_synthesis_workers: int = Field(
        default=1, ge=0, le=64, description="syntheses that it runs beside them, at most as many"
    )
    max_queued_jobs: int = Field(
        default=100, ge=1, description="jobs of one kind that wait for a worker; more are refused"
    )
    job_poll_seconds: float = Field(default=1.0, gt=0, le=60)
    job_stale_seconds: float = Field(
        default=120.0, ge=5, description="silence after which a job is taken from its worker"
    )


class LogSettings(BaseSettings):
    """What is written to stderr."""

    model_config = _PREFIX

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"


class Settings(
    StorageSettings,
    HttpSettings,
    ComputeSettings,
    PredictorSettings,
    RetentionSettings,
    ModelSettings,
    SynthesisSettings,
    JobSettings,
    LogSettings,
):
    """Everything a deployment can set; immutable, passed down, never global."""

    migrate_on_start: bool = Field(default=False, description="bring the schema to head when the application starts")

    @model_validator(mode="after")
    def _uploads_are_the_larger_bodies(self) -> Self:
        if self.max_upload_size < self.max_body_size:
            raise ValueError("max_upload_size must be at least max_body_size")
        return self
