"""The registry of a database: the rules of a local one, one order of things, and a log that shows what was changed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest
from databases import ROOT, code_of, opened
from sqlalchemy import text

from autotrack.client import Client
from autotrack.store.database import DatabaseStore, open_database

THREADS = 50
SOURCE = "s3://models/one"


@pytest.fixture
def store(database: str):
    """A store of this test's own."""
    with opened(database) as store:
        yield store


@pytest.fixture
def client(store: DatabaseStore) -> Client:
    """The verbs over it."""
    return Client.on(store)


def test_a_model_goes_its_way_as_in_a_local_store(client: Client, monkeypatch: pytest.MonkeyPatch):
    """The same verbs over both give the same state, past and history."""
    now = iter(range(1_000_000, 2_000_000))
    monkeypatch.setattr("time.time_ns", lambda: next(now) * 1_000_000)
    told = []
    for one in (client, Client()):
        run_id = one.create_run("0", 5, run_name="r", run_id="0" * 31 + "1").info.run_id
        one.log_metric(run_id, "acc", 0.9, 1)
        one.create_registered_model("m", {"t": "1"}, "first")
        for _ in range(3):
            one.create_model_version("m", SOURCE, run_id, {"k": "v"})
        one.set_registered_model_alias("m", "live", 1)
        one.set_registered_model_alias("m", "live", 2, expected=1)
        one.transition_model_version_stage("m", 1, "Production")
        one.transition_model_version_stage("m", 3, "Production", archive_existing_versions=True)
        one.delete_model_version("m", 2)
        one.update_model_version("m", 3, "the third")
        one.rename_registered_model("m", "renamed")
        assert code_of(lambda one=one: one.create_registered_model("renamed")) == "RESOURCE_ALREADY_EXISTS"
        assert code_of(lambda one=one: one.get_model_version("renamed", 2)) == "RESOURCE_DOES_NOT_EXIST"
        assert code_of(lambda one=one: one.get_registered_model("m")) == "RESOURCE_DOES_NOT_EXIST"
        changes = [
            (entry.kind, entry.version, entry.before, entry.after, entry.archived, entry.metrics)
            for entry in one.get_model_history("renamed")
        ]
        found = one.search_model_versions("name = 'renamed' AND current_stage = 'Production'")
        model = one.get_registered_model("renamed")
        told.append(
            (changes, [(v.version, v.description, v.tags, v.location) for v in found], model.aliases, model.tags,
             one.verify_registry().problems)
        )  # fmt: skip
    assert told[0] == told[1]


def test_what_an_alias_led_to_in_the_past_is_known(client: Client):
    """By the log, not by the state of today."""
    client.create_registered_model("m")
    for number in (1, 2):
        client.create_model_version("m", SOURCE)
        client.set_registered_model_alias("m", "live", number)
    then = client.get_model_history("m")[2].time
    later = client.get_model_history("m")[-1].time
    assert client.resolve_model_version("models:/m@live").version == "2"
    if then < later:
        assert client.resolve_model_version("models:/m@live", then).version == "1"


def test_versions_of_many_threads_have_no_gap_and_no_duplicate(database: str, client: Client):
    """Of an alias that all want to move away from where it is one gets it; each has a store of its own."""
    client.create_registered_model("m")
    stores = [open_database(database, ROOT) for _ in range(4)]
    clients = [Client.on(store) for store in stores]
    with ThreadPoolExecutor(THREADS) as pool:
        made = pool.map(lambda n: clients[n % 4].create_model_version("m", SOURCE).version, range(THREADS))
        assert sorted(map(int, made)) == list(range(1, THREADS + 1))

        def move(number: int) -> str | None:
            return code_of(lambda: clients[number % 4].set_registered_model_alias("m", "live", number, expected=None))

        codes = list(pool.map(move, range(1, THREADS + 1)))
    assert sorted(codes, key=str) == [None, *["RESOURCE_CONFLICT"] * (THREADS - 1)]
    verdict = client.verify_registry()
    assert (verdict.problems, verdict.entries) == ((), 1 + THREADS + 1)
    for store in stores:
        store.close()


RACER = dedent(
    """
    import sys
    from autotrack.client import Client
    from autotrack.exceptions import AutotrackException
    from autotrack.store.database import open_database

    store = open_database(sys.argv[1], "mlflow-artifacts:")
    client, made, won = Client.on(store), [], 0
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(int(sys.argv[2])):
        version = client.create_model_version("m", "s3://models/one").version
        made.append(version)
        before = client.get_registered_model("m").aliases.get("live")
        try:
            client.set_registered_model_alias("m", "live", version, expected=before)
            won += 1
        except AutotrackException as error:
            assert error.error_code == "RESOURCE_CONFLICT", error
    store.close()
    print(won, *made)
    """
)


@pytest.mark.parametrize(("processes", "each"), [(2, 6), pytest.param(8, 25, marks=pytest.mark.slow)])
def test_many_processes(database: str, client: Client, processes: int, each: int):
    """Numbers without gap or duplicate, and each move of the alias starts where the one before ended."""
    client.create_registered_model("m")
    command = [sys.executable, "-c", RACER, database, str(each)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate()[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * processes
    numbers = [int(number) for _, *made in told for number in made]
    assert sorted(numbers) == list(range(1, processes * each + 1))
    moves = [one for one in client.get_model_history("m") if one.kind == "alias"]
    assert len(moves) == sum(int(won) for won, *_ in told)
    assert [one.before for one in moves] == [None, *(one.after for one in moves[:-1])]
    verdict = client.verify_registry()
    assert (verdict.problems, verdict.entries) == ((), 1 + processes * each + len(moves))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE registry_log SET body = replace(body, 's3://models/one', 's3://models/two') WHERE number = 3",
            "damaged",
        ),
        ("DELETE FROM registry_log WHERE number = 3", "moved"),
        ("DELETE FROM registry_log WHERE number = 4", "its head says that it ends with entry 4"),
        ("UPDATE registry_log SET hash = 'é' WHERE number = 3", "codec"),
    ],
)
def test_whoever_changes_the_log_is_found_out(client: Client, store: DatabaseStore, change: str, problem: str):
    """Whether an entry was changed, taken out, or cut off; and a head that was noted tells of a log written anew."""
    client.create_registered_model("m")
    for _ in range(3):
        client.create_model_version("m", SOURCE)
    sound = client.verify_registry()
    assert sound.problems == ()
    assert client.verify_registry(sound.head).problems == ()
    assert "no entry has the hash" in client.verify_registry("0" * 64).problems[0]
    with store.database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text(change))
    (found,) = client.verify_registry().problems
    assert problem in found


def test_a_refused_change_leaves_nothing(client: Client):
    """Neither in the state nor in the log."""
    client.create_registered_model("m")
    client.create_model_version("m", SOURCE)
    before = client.verify_registry()
    assert code_of(lambda: client.set_registered_model_alias("m", "live", 7)) == "RESOURCE_DOES_NOT_EXIST"
    assert code_of(lambda: client.create_model_version("m", "models:/other/1")) == "RESOURCE_DOES_NOT_EXIST"
    assert code_of(lambda: client.create_model_version("m", "/etc")) == "INVALID_PARAMETER_VALUE"
    assert client.verify_registry() == before
