"""PostgreSQL keeps a session that works for one country away from the records of others."""

import uuid

import psycopg
import pytest
import sqlalchemy as sa
from tests.records.drafts import draft, register

from limen.errors import LimenError, Unavailable
from limen.records import feed, store
from limen.records.database import Database, open_database
from limen.records.tables import Record, Sample
from limen.settings import Settings

pytestmark = pytest.mark.postgres


@pytest.fixture
def fenced(postgres_cluster):
    """A database of a role that is not superuser, with one record of France and one of Germany."""
    role = f"r{uuid.uuid4().hex}"
    with psycopg.connect(postgres_cluster, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"CREATE SCHEMA {role} AUTHORIZATION {role}")  # found first: the default search_path
    database = Database(postgres_cluster.replace("limen@", f"{role}@"))
    database.upgrade()
    register(database, "FRA", "DEU")
    with database.writing() as session:
        store.save(session, draft("A", "FRA"))
        store.save(session, draft("A", "DEU"))
    yield database
    database.close()


def test_work_for_one_country_sees_its_own_records_only(fenced):
    for owner in ("FRA", "DEU"):
        with fenced.reading(owner) as session:
            assert session.scalars(sa.select(Record.owner)).all() == [owner]  # a query that forgot the owner
            assert len(session.scalars(sa.select(Sample)).all()) == 1
    with fenced.reading() as session:
        assert len(feed.changes(session, 0, 10)[0]) == 2


def test_work_for_one_country_changes_no_other(fenced):
    with fenced.writing("DEU") as session:
        assert session.execute(sa.update(Record).values(purpose="alert")).rowcount == 1
        assert session.execute(sa.delete(Sample)).rowcount == 1
    with fenced.reading("FRA") as session:
        [record] = store.of_owner(session, "FRA")
        assert (record.purpose, len(record.samples)) == ("locate-wanted", 1)


def test_a_record_cannot_be_written_for_another_country(fenced):
    with pytest.raises(LimenError):
        with fenced.writing("DEU") as session:
            store.save(session, draft("B", "FRA"))
    with fenced.reading() as session:
        assert store.count(session) == 2


def test_a_connection_that_says_nothing_sees_nothing(fenced):
    with fenced.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Record)).scalar() == 0
    with fenced.reading("FRA"):
        pass
    with fenced.engine.connect() as connection:  # nor does the setting stay with the pooled connection
        assert connection.execute(sa.select(sa.func.count()).select_from(Record)).scalar() == 0


def test_in_production_the_role_must_be_held_by_the_fence(fenced, postgres_cluster):
    url = str(fenced.url.render_as_string())
    open_database(Settings(database=url, production=True)).close()
    schema = fenced.url.username
    superuser = f"{postgres_cluster}&options=-csearch_path%3D{schema}"
    open_database(Settings(database=superuser)).close()
    with pytest.raises(Unavailable, match="row-level security"):
        open_database(Settings(database=superuser, production=True))


def test_the_next_schema_can_be_reached_with_the_fence_up(fenced):
    fenced.upgrade()
    assert fenced.version()[0] == fenced.version()[1]
