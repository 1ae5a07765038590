"""Crash tests run on a seeded database of their own."""

from tests.backend.conftest import seeded_database, seeded_template

__all__ = ["seeded_database", "seeded_template"]
