"""From where a job goes on whose worker was lost.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "job_checkpoints",
        sa.Column("job_id", TEXT, sa.ForeignKey("jobs.id", name="fk_job_checkpoints_job_id_jobs"), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_checkpoints"),
    )


def downgrade() -> None:
    op.drop_table("job_checkpoints")
