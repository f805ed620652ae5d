"""The records' databases, for the tests of this room."""

from tests.records.conftest import database, empty_url, postgres_cluster, vault

__all__ = ["database", "empty_url", "postgres_cluster", "vault"]
