"""How a measured latency divides among the network's layers.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "measured_layers",
        sa.Column("measurement_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("layers", TEXT, nullable=False),
        sa.Column("layer_ms", JSON, nullable=False),
        sa.PrimaryKeyConstraint("measurement_id", name="pk_measured_layers"),
        sa.ForeignKeyConstraint(
            ["measurement_id"],
            ["measurements.id"],
            name="fk_measured_layers_measurement_id_measurements",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("length(layers) = 16", name=op.f("ck_measured_layers_layers_digest")),
    )


def downgrade() -> None:
    op.drop_table("measured_layers")
