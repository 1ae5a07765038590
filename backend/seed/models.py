"""What the seed has loaded, so that loading again changes nothing and leaves later edits alone."""

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.db import Base


class SeedRecord(Base):
    """One object of the seed and the digest of its data when it was last loaded.

    An object is written again only when its data changed, so what staff have corrected in the meantime stays.
    """

    __tablename__ = "seed_record"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
