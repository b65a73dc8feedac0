"""The API key that an upload was sent with: names of keys are not unique.

What was uploaded before has none, and is an administrator's to undo.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
FOREIGN_KEY = "fk_uploads_api_key_id_api_keys"


def upgrade() -> None:
    with op.batch_alter_table("uploads") as uploads:
        uploads.add_column(sa.Column("api_key_id", TEXT))
        uploads.create_foreign_key(FOREIGN_KEY, "api_keys", ["api_key_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("uploads") as uploads:
        uploads.drop_constraint(FOREIGN_KEY, type_="foreignkey")
        uploads.drop_column("api_key_id")
