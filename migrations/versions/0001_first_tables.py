"""The first tables.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_devices()
    _create_measurements()
    _create_benchmark_tables()
    _create_artifacts()
    _create_jobs()
    _create_api_keys()


def downgrade() -> None:
    for table in (
        "api_keys",
        "jobs",
        "predictor_artifacts",
        "architecture_indices",
        "accuracies",
        "measurements",
        "uploads",
        "devices",
    ):
        op.drop_table(table)


def _create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("target", TEXT),
        sa.Column("config", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("name", name="uq_devices_name"),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_devices_name_given")),
        sa.CheckConstraint("kind IN ('measured', 'simulated', 'onnx')", name=op.f("ck_devices_kind")),
    )


def _create_measurements() -> None:
    op.create_table(
        "uploads",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("uploader", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_uploads"),
        sa.UniqueConstraint("id", name="uq_uploads_id"),
    )
    op.create_table(
        "measurements",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("device_id", ROW_ID, nullable=False),
        sa.Column("upload_number", ROW_ID, nullable=False),
        sa.Column("space", TEXT, nullable=False),
        sa.Column("architecture", TEXT, nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("statistic", TEXT, nullable=False),
        sa.Column("runs", sa.Integer()),
        sa.Column("batch_size", sa.Integer()),
        sa.Column("precision", TEXT, nullable=False),
        sa.Column("runtime", TEXT, nullable=False),
        sa.Column("runtime_version", TEXT, nullable=False),
        sa.Column("input_shape", TEXT, nullable=False),
        sa.Column("measured_at", TIME),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_measurements"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_measurements_device_id_devices"),
        sa.ForeignKeyConstraint(["upload_number"], ["uploads.number"], name="fk_measurements_upload_number_uploads"),
        sa.CheckConstraint("value > 0 AND value < 1e300", name=op.f("ck_measurements_value_positive")),
        sa.CheckConstraint("metric <> 'latency_ms' OR unit = 'ms'", name=op.f("ck_measurements_latency_unit")),
        sa.CheckConstraint("metric <> 'energy_mj' OR unit = 'mJ'", name=op.f("ck_measurements_energy_unit")),
        sa.CheckConstraint("runs > 0", name=op.f("ck_measurements_runs_positive")),
        sa.CheckConstraint("batch_size > 0", name=op.f("ck_measurements_batch_size_positive")),
    )
    key = ["device_id", "space", "metric", "architecture"]
    op.create_index(
        "uq_measurements_current",
        "measurements",
        key,
        unique=True,
        sqlite_where=sa.text("is_current = 1"),
        postgresql_where=sa.text("is_current"),
    )
    op.create_index(
        "ix_measurements_superseded",
        "measurements",
        key,
        sqlite_where=sa.text("is_current = 0"),
        postgresql_where=sa.text("NOT is_current"),
    )
    op.create_index("ix_measurements_upload_number", "measurements", ["upload_number"])


def _create_benchmark_tables() -> None:
    op.create_table(
        "accuracies",
        sa.Column("space", TEXT, nullable=False),
        sa.Column("dataset", TEXT, nullable=False),
        sa.Column("architecture", TEXT, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("space", "dataset", "architecture", name="pk_accuracies"),
        sa.CheckConstraint("value >= 0 AND value <= 100", name=op.f("ck_accuracies_percent")),
    )
    op.create_table(
        "architecture_indices",
        sa.Column("space", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("architecture", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("space", "position", name="pk_architecture_indices"),
        sa.UniqueConstraint("space", "architecture", name="uq_architecture_indices_space_architecture"),
        sa.CheckConstraint("position >= 0", name=op.f("ck_architecture_indices_position_natural")),
    )


def _create_artifacts() -> None:
    op.create_table(
        "predictor_artifacts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("device_id", ROW_ID, nullable=False),
        sa.Column("space", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("predictor", TEXT, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("manifest", JSON, nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("retired_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_predictor_artifacts"),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_predictor_artifacts_device_id_devices"),
        sa.UniqueConstraint("device_id", "space", "version", name="uq_predictor_artifacts_device_id_space_version"),
        sa.CheckConstraint("version > 0", name=op.f("ck_predictor_artifacts_version_positive")),
        sa.CheckConstraint("samples >= 0", name=op.f("ck_predictor_artifacts_samples_natural")),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("progress", JSON, nullable=False),
        sa.Column("result", JSON),
        sa.Column("error", JSON),
        sa.Column("worker", TEXT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("heartbeat_at", TIME),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
    )
    op.create_index("ix_jobs_state_created_at", "jobs", ["state", "created_at"])


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("secret_sha256", TEXT, nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("secret_sha256", name="uq_api_keys_secret_sha256"),
    )
