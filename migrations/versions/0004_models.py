"""Networks that users upload as ONNX.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("macs", sa.BigInteger(), nullable=False),
        sa.Column("params", sa.BigInteger(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("uploader", TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_models"),
        sa.UniqueConstraint("hash", name="uq_models_hash"),
        sa.CheckConstraint("length(hash) = 64", name=op.f("ck_models_hash_sha256")),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_models_size_positive")),
        sa.CheckConstraint("macs >= 0 AND params >= 0", name=op.f("ck_models_counts_natural")),
    )


def downgrade() -> None:
    op.drop_table("models")
