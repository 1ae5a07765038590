"""The appointment knows the page of its queue number"""

import sqlalchemy as sa
from alembic import op

revision = "20261125_ticket_link"
down_revision = "20261125_ratings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appointment", sa.Column("ticket_link", sa.Text(), nullable=True))
    op.execute(
        "UPDATE appointment SET ticket_link = ticket.link FROM check_in JOIN ticket ON ticket.check_in_id = check_in.id"
        " WHERE check_in.appointment_id = appointment.id AND check_in.undone_at IS NULL"
    )


def downgrade() -> None:
    op.drop_column("appointment", "ticket_link")
