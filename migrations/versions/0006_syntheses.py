"""What synthesis tools found out about circuits.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "syntheses",
        sa.Column("circuit_hash", TEXT, nullable=False),
        sa.Column("flow", TEXT, nullable=False),
        sa.Column("tool", TEXT, nullable=False),
        sa.Column("tool_version", TEXT, nullable=False),
        sa.Column("circuit", JSON, nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("circuit_hash", "flow", "tool", "tool_version", name="pk_syntheses"),
        sa.CheckConstraint("length(circuit_hash) = 64", name=op.f("ck_syntheses_hash_sha256")),
        sa.CheckConstraint("seconds >= 0 AND seconds < 1e300", name=op.f("ck_syntheses_seconds_natural")),
    )


def downgrade() -> None:
    op.drop_table("syntheses")
