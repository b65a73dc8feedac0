"""Values of encodings that are slow to compute.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "encoding_values",
        sa.Column("space", TEXT, nullable=False),
        sa.Column("encoding", TEXT, nullable=False),
        sa.Column("configuration", TEXT, nullable=False),
        sa.Column("architecture", TEXT, nullable=False),
        sa.Column("value", sa.Double()),
        sa.PrimaryKeyConstraint("space", "encoding", "configuration", "architecture", name="pk_encoding_values"),
        sa.CheckConstraint("value > -1e300 AND value < 1e300", name=op.f("ck_encoding_values_value_finite")),
    )


def downgrade() -> None:
    op.drop_table("encoding_values")
