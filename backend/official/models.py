"""Pushes of WeChat that have been answered."""

from datetime import datetime

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import db


class OfficialCallback(db.Base):
    """One push, by a hash of what tells it from others, with the answer that its repetitions get. Kept for a day."""

    __tablename__ = "official_callback"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    reply: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(index=True)
