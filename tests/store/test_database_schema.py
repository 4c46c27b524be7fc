"""Which databases are opened: empty ones and our own, and never one that somebody else's program keeps."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from databases import ROOT, Recorder, code_of, opened
from sqlalchemy import create_engine, inspect, text

from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.database import engine, open_database, schema
from autotrack.store.database import tables as own
from autotrack.store.database.schema import VERSION_TABLE


def test_an_empty_database_is_set_up_and_found_again(database: str):
    """With the experiment that is always there."""
    for _ in range(2):
        with opened(database) as store:
            assert [one.name for one in store.search_experiments()] == ["Default"]


def test_of_many_who_set_a_database_up_one_does(database: str):
    """The others wait, and find it done."""
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: open_database(database, ROOT), range(8)))
    assert {len(store.search_experiments()) for store in stores} == {1}
    for store in stores:
        store.close()


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_steps_lead_to_the_tables_of_the_code(database: str):
    """Where they do not, the message is what a new step has to say."""
    with opened(database) as store, store.database.engine.connect() as connection:
        both = [tables.records, own.own]
        context = MigrationContext.configure(
            connection, opts={"target_metadata": both, "version_table": VERSION_TABLE, "compare_type": True}
        )
        found = produce_migrations(context, both).upgrade_ops
        assert found is not None
        assert found.is_empty(), render_python_code(found)


def test_an_older_version_says_how_it_is_brought_up(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It stays as it is until somebody asks for that, and then nothing of it is lost."""
    with opened(database) as store:
        run = Recorder(store).run("of the old version")
    steps = tmp_path / "steps"
    shutil.copytree(schema.MIGRATIONS, steps)
    head = max(schema._steps())
    (steps / "versions" / "v9000.py").write_text(_NEXT_STEP.format(head=head))
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    with pytest.raises(AutotrackException, match=r"older version, .* `autotrack server --upgrade`"):
        open_database(database, ROOT)
    assert _version(database) == head
    store = open_database(database, ROOT, migrate=True)
    assert "wishes" in inspect(store.database.engine).get_table_names()
    assert store.run(run.run_id).info.run_name == "of the old version"
    store.close()
    with opened(database) as store:
        assert store.count() == 1
    assert _version(database) == "9000"


_NEXT_STEP = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"


def upgrade() -> None:
    op.create_table("wishes", sa.Column("id", sa.Integer(), primary_key=True))
"""


def test_a_newer_version_is_refused(database: str):
    """It stays as it is."""
    with opened(database):
        pass
    _set_version(database, "9999")
    with pytest.raises(AutotrackException, match="9999, which this version of autotrack does not know"):
        open_database(database, ROOT)
    assert _version(database) == "9999"


def test_a_stranger_s_database_is_refused(database: str):
    """Nothing in it changes, and the message says whose it may be."""
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for name in ("alembic_version", "experiments", "latest_metrics"):
            connection.execute(text(f"CREATE TABLE {name} (id INTEGER)"))
    with pytest.raises(AutotrackException, match="is MLflow's, and was left as it is"):
        open_database(database, ROOT)
    assert sorted(inspect(engine).get_table_names()) == ["alembic_version", "experiments", "latest_metrics"]
    engine.dispose()


def test_a_stranger_s_file_keeps_every_byte(tmp_path: Path):
    """Also its mode of writing, which opening it could change."""
    file = tmp_path / "theirs.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE notes (id INTEGER)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(AutotrackException, match=r"not autotrack's \(notes"):
        open_database(f"sqlite:///{file}", ROOT)
    (tmp_path / "text.db").write_text("no database at all, but a text that is long enough" * 40)
    with pytest.raises(AutotrackException, match="no database that can be read"):
        open_database(f"sqlite:///{tmp_path / 'text.db'}", ROOT)
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["text.db", "theirs.db"]


@pytest.mark.parametrize(
    "url", ["mysql://user@host/name", "sqlite://", "sqlite:///:memory:", "nonsense", "sqlite:////not/there/x.db"]
)
def test_what_is_no_database_for_a_store_is_refused(url: str):
    """Before anything is made."""
    assert code_of(lambda: open_database(url, ROOT)) == "INVALID_PARAMETER_VALUE"


def test_a_password_is_in_no_message():
    """Neither where the URL is wrong nor where nobody answers."""
    for url in ("postgresql://u:geheim@127.0.0.1:1/x", "postgres://u:geheim@[bad", "mysql://u:geheim@h/x"):
        with pytest.raises(AutotrackException) as caught:
            open_database(url, ROOT)
        assert "geheim" not in str(caught.value)


def _set_version(url: str, version: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :version"), {"version": version})
    engine.dispose()


def _version(url: str) -> str:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found: str = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    engine.dispose()
    return found


def test_a_postgresql_that_is_too_old_is_refused(postgresql: str, monkeypatch: pytest.MonkeyPatch):
    """By its version and the one that is needed, without a password."""
    monkeypatch.setattr(engine, "OLDEST", 99)
    with pytest.raises(AutotrackException, match=r"/test_\d+ is PostgreSQL \d+; autotrack needs 99 or later"):
        open_database(postgresql, ROOT)
