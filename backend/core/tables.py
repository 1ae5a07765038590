"""Small tables that belong to the core itself."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base


class WorkerHeartbeat(Base):
    """When each worker was last alive; silent death of the worker is the classic failure."""

    __tablename__ = "worker_heartbeat"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
