"""A store on a database answers as one on journals does, and takes each change whole."""

from __future__ import annotations

import math
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from databases import ROOT, Recorder, code_of, opened, point, statements
from journals import ELSEWHERE
from parts.postgresql import Postgresql
from sqlalchemy import Connection, insert

from autotrack.client import Client
from autotrack.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from autotrack.event import Ended, Joined, LifeStage, ModelLogged, Params, Tags
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import new_run_id
from autotrack.store import Search, tables
from autotrack.store.changes import Position
from autotrack.store.database import DatabaseStore, open_database


@pytest.fixture
def store(database: str):
    """A store of this test's own."""
    with opened(database) as store:
        yield store


@pytest.fixture
def client(store: DatabaseStore) -> Client:
    """The verbs over it."""
    return Client.on(store)


@pytest.fixture
def run_id(client: Client) -> str:
    """A run."""
    return client.create_run("0").info.run_id


def test_a_run_comes_back_as_it_was_told(client: Client):
    """With its values to the last bit, its data, its end, and the URI of its files."""
    experiment = client.create_experiment("trials", tags={"team": "red"})
    run = client.create_run(experiment, start_time=1000, tags={"mlflow.user": "ada"}, run_name="first")
    run_id = run.info.run_id
    values = {"inf": math.inf, "minus": -math.inf, "tiny": 5e-324, "third": 1 / 3, "large": 2**60 + 1, "nan": math.nan}
    metrics = [Metric(key, value, 2000, 1) for key, value in values.items()]
    client.log_batch(run_id, metrics, [Param("lr", "0.1")], [RunTag("k", "v")])
    used = Dataset("iris", "abc", "local", "/data", "{}", "p")
    client.log_inputs(run_id, [DatasetInput(used, [InputTag("mlflow.data.context", "train")])])
    client.set_terminated(run_id, "FAILED", 5000)
    found = client.get_run(run_id)
    assert repr(found.data.metrics) == repr({key: values[key] for key in found.data.metrics})
    assert set(found.data.metrics) == set(values)
    assert found.data.params == {"lr": "0.1"}
    assert found.data.tags == {"mlflow.user": "ada", "mlflow.runName": "first", "k": "v"}
    assert found.inputs.dataset_inputs[0].dataset == used
    info = found.info
    assert (info.status, info.start_time, info.end_time, info.user_id) == ("FAILED", 1000, 5000, "ada")
    assert info.artifact_uri == f"{ROOT}/{experiment}/{run_id}/artifacts"
    assert client.get_experiment(experiment).artifact_location == f"{ROOT}/{experiment}"


def test_an_experiment_s_own_place_holds_its_runs_files(client: Client):
    """A search by that place finds them, too."""
    there = client.create_experiment("there", "s3://bucket/deep/")
    run = client.create_run(there)
    other = client.create_run("0")
    assert run.info.artifact_uri == f"s3://bucket/deep/{run.info.run_id}/artifacts"
    for one in (run, other):
        found = client.search_runs([there, "0"], f"attributes.artifact_uri = '{one.info.artifact_uri}'")
        assert [row.info.run_id for row in found] == [one.info.run_id]


def test_the_name_of_an_experiment_is_taken_once(database: str):
    """By whoever comes first, of many threads with stores of their own; deleting frees it for nobody, renaming does."""
    with opened(database):
        pass
    stores = [open_database(database, ROOT) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        codes = list(
            pool.map(lambda n: code_of(lambda: Client.on(stores[n % 4]).create_experiment("wanted")), range(16))
        )
    assert sorted(codes, key=str) == [None, *["RESOURCE_ALREADY_EXISTS"] * 15]
    client = Client.on(stores[0])
    wanted = client.get_experiment_by_name("wanted")
    assert wanted is not None
    client.delete_experiment(wanted.experiment_id)
    assert code_of(lambda: client.create_experiment("wanted")) == "RESOURCE_ALREADY_EXISTS"
    client.restore_experiment(wanted.experiment_id)
    client.rename_experiment(wanted.experiment_id, "had")
    again = client.create_experiment("wanted")
    assert again != wanted.experiment_id
    assert code_of(lambda: client.rename_experiment(again, "had")) is not None
    for store in stores:
        store.close()


def test_a_run_is_made_once_under_the_id_that_its_program_chose(client: Client):
    """Whoever asks again, also at the same time, gets the same run; in another experiment it is an error."""
    chosen = new_run_id()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client.create_run("0", 5, run_name="once", run_id=chosen), range(8)))
    assert {run.info.run_id for run in made} == {chosen}
    assert len(client.search_runs(["0"])) == 1
    other = client.create_experiment("other")
    assert code_of(lambda: client.create_run(other, run_id=chosen)) == "RESOURCE_ALREADY_EXISTS"
    assert code_of(lambda: client.create_run("0", run_id="../etc")) == "INVALID_PARAMETER_VALUE"
    assert code_of(lambda: client.create_run("4711")) == "RESOURCE_DOES_NOT_EXIST"


def test_a_parameter_keeps_its_value(client: Client, store: DatabaseStore, run_id: str):
    """The same again is fine, another is the named error; of two threads who differ one wins."""
    client.log_param(run_id, "lr", 0.1)
    client.log_param(run_id, "lr", 0.1)
    with pytest.raises(AutotrackException, match=r"key='lr' was already logged with value='0.1'.* new value '0.2'"):
        client.log_param(run_id, "lr", 0.2)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda n: code_of(lambda: store.editor.event(run_id, Params({"n": str(n)}))), range(8)))
    assert codes.count(None) == 1
    assert client.get_run(run_id).data.params["lr"] == "0.1"


def test_a_batch_is_taken_whole_or_not_at_all(client: Client, store: DatabaseStore, run_id: str):
    """One wrong part, and nothing of the others is there."""
    client.log_param(run_id, "lr", 1)
    before = client.get_run(run_id)
    tagged = [(None, Tags({"t": "1"})), (None, Params({"new": "1", "lr": "2"}))]
    assert code_of(lambda: store.editor.batch(run_id, tagged, [point("m", 1.0)])) == "INVALID_PARAMETER_VALUE"
    far = [point("m", 1.0), point("far", 1.0, time=2**63)]
    assert code_of(lambda: store.editor.batch(run_id, [(None, Tags({"t": "1"}))], far)) == "INVALID_PARAMETER_VALUE"
    assert client.get_run(run_id) == before
    assert len(store.history(run_id, "m")) == 0


def test_of_changes_at_once_each_has_its_own_end(client: Client, store: DatabaseStore, run_id: str):
    """One that is refused takes none of the others with it."""
    client.log_param(run_id, "p", 0)

    def change(number: int) -> str | None:
        events = [(None, Params({"p": str(number % 3)})), (None, Tags({f"t{number}": "x"}))]
        return code_of(lambda: store.editor.batch(run_id, events, [point("m", number, number)]))

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(change, range(120)))
    assert [code is None for code in codes] == [number % 3 == 0 for number in range(120)]
    assert store.history(run_id, "m").steps == list(range(0, 120, 3))
    assert len([tag for tag in client.get_run(run_id).data.tags if tag.startswith("t")]) == 40

    def write_and_fail(number: int) -> str | None:
        def action(connection: Connection) -> None:
            connection.execute(insert(tables.tags), {"run": 1, "key": f"late{number}", "value": ""})
            if number % 3:
                raise AutotrackException.invalid("not this one")

        return code_of(lambda: store.database.write(action))

    with ThreadPoolExecutor(40) as pool:
        codes = list(pool.map(write_and_fail, range(120)))
    assert [code is None for code in codes] == [number % 3 == 0 for number in range(120)]
    assert len([tag for tag in client.get_run(run_id).data.tags if tag.startswith("late")]) == 40


def test_a_batch_with_its_position_counts_once(store: DatabaseStore, run_id: str):
    """However often it is sent, and by however many at once; what overlaps is refused, what follows is taken."""
    first = [point("loss", 0.5, step) for step in range(10)]

    def send(_: int = 0) -> None:
        events = [(5, Tags({"seen": "yes"})), (6, Params({"p": "first"}))]
        store.editor.batch(run_id, events, first, position=Position("metrics-a", 0, 320))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(16)))
    assert len(store.history(run_id, "loss")) == 10
    assert store.last_metrics(run_id)[0].step == 9
    overlapping = Position("metrics-a", 288, 352)
    assert code_of(lambda: store.editor.batch(run_id, [], first, position=overlapping)) == "RESOURCE_CONFLICT"
    assert store.taken_in(run_id, "metrics-a") == 320
    # The same values again, from another place in the file: the journal has them twice, and they are one point.
    store.editor.batch(run_id, [(7, Params({"p": "second"}))], first, position=Position("metrics-a", 320, 640))
    store.editor.batch(run_id, [], [point("loss", 0.25, 10)], position=Position("metrics-b", 0, 32))
    assert len(store.history(run_id, "loss")) == 11
    assert (store.taken_in(run_id, "metrics-a"), store.taken_in(run_id, "metrics-b")) == (640, 32)
    # A stretch of nothing is a sign of life, wherever it is.
    store.editor.batch(run_id, position=Position("metrics-a", 0, 0))
    assert store.taken_in(run_id, "metrics-a") == 640
    assert store.run(run_id).data.params == {"p": "first"}
    assert code_of(lambda: store.editor.batch(run_id, position=Position("x", 2, 1))) == "INVALID_PARAMETER_VALUE"


def test_a_deleted_run_takes_nothing_until_it_is_restored(client: Client, store: DatabaseStore, run_id: str):
    """Not by any verb; deleting its experiment deletes it too."""
    client.delete_run(run_id)
    assert code_of(lambda: store.editor.points(run_id, [point("m", 1.0)])) == "INVALID_PARAMETER_VALUE"
    assert code_of(lambda: client.set_tag(run_id, "k", "v")) == "INVALID_PARAMETER_VALUE"
    assert client.search_runs(["0"]) == []
    assert [run.info.run_id for run in client.search_runs(["0"], run_view_type=ViewType.DELETED_ONLY)] == [run_id]
    store.editor.batch(run_id, [(None, LifeStage("active"))])
    store.editor.points(run_id, [point("m", 1.0)])
    experiment = client.create_experiment("gone")
    inside = client.create_run(experiment).info.run_id
    client.delete_experiment(experiment)
    assert client.get_run(inside).info.lifecycle_stage == "deleted"
    assert code_of(lambda: store.editor.points(inside, [point("m", 1.0)])) == "INVALID_PARAMETER_VALUE"
    assert code_of(lambda: client.create_run(experiment)) == "INVALID_PARAMETER_VALUE"
    client.restore_experiment(experiment)
    assert client.get_run(inside).info.lifecycle_stage == "active"


def test_a_run_is_lost_when_a_promised_sign_of_life_stays_away(client: Client, store: DatabaseStore):
    """Reversibly, and with its last sign as its end; where nobody promised any, silence means nothing."""
    promising = Recorder(store).run("promising", process=ELSEWHERE).run_id
    silent = Recorder(store).run("silent").run_id
    ended = Recorder(store).run("ended", process=ELSEWHERE)
    ended.event(Ended("FINISHED"), 7000)
    later = time.time() + 120

    def states() -> dict[str, str]:
        ids = [client.create_experiment("x")] if not client.get_experiment_by_name("x") else []
        ids += [one.experiment_id for one in store.search_experiments()]
        found = {run.info.run_id: run.info.status for run in client.search_runs(ids)}
        lost = {run.info.run_id for run in client.search_runs(ids, "status = 'LOST'")}
        assert lost == {one for one, status in found.items() if status == "LOST"}
        return found

    assert set(states().values()) == {"RUNNING", "FINISHED"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time_ns", lambda: int(later * 1e9))
        assert states() == {promising: "LOST", silent: "RUNNING", ended.run_id: "FINISHED"}
        info = store.run(promising).info
        assert info.end_time is not None
        assert abs(info.end_time - (later - 120) * 1000) < 60_000
        # A batch of nothing is a sign of life, and whoever gives one with a position promises the next.
        store.editor.batch(promising, position=Position("a", 0, 0))
        store.editor.batch(silent, position=Position("a", 0, 0))
        assert states()[promising] == "RUNNING"
        later += 120
        assert states() == {promising: "LOST", silent: "LOST", ended.run_id: "FINISHED"}


def test_what_another_writer_did_before_the_end_does_not_open_the_run_again(store: DatabaseStore):
    """Its file arrives later; a program that resumes the run after its end does."""
    run = Recorder(store).run("ended")
    run.event(Ended("FINISHED"), 7000)
    run.event(Joined(ELSEWHERE), 6000)
    assert store.run(run.run_id).info.status == "FINISHED"
    run.event(Joined(ELSEWHERE), 8000)
    assert store.run(run.run_id).info.status == "RUNNING"


def test_a_logged_model_and_its_metrics_are_found(client: Client, store: DatabaseStore, run_id: str):
    """The last value on each data set counts, also when an older one arrives later."""
    store.editor.event(run_id, ModelLogged("m-1", "forest", "models/forest", ("sklearn",), params={"depth": "3"}))
    for step, value in ((2, 0.8), (1, 0.9)):
        store.editor.points(run_id, [(("acc", "m-1", "iris", "abc"), 0, step, 1000, value)])
    model = store.model("m-1")
    assert [(one.key, one.value, one.dataset_digest) for one in model.metrics] == [("acc", 0.8, "abc")]
    assert model.artifact_location == f"{ROOT}/0/{run_id}/artifacts/models/forest"
    assert [one.model_id for one in store.search_models(["0"], "metrics.acc > 0.7 AND params.depth = '3'")] == ["m-1"]
    assert [one.model_id for one in client.get_run(run_id).outputs.model_outputs] == ["m-1"]


def test_pages_of_a_search_end_and_leave_nothing_out(client: Client):
    """In the order that was asked for."""
    ids = [client.create_run("0", start_time=1000 + n).info.run_id for n in range(7)]
    for place, one in enumerate(ids):
        client.log_metric(one, "m", place % 3, step=1)
    found, token = [], None
    for _ in range(5):
        page = client.search_runs(["0"], order_by=["metrics.m DESC"], max_results=2, page_token=token)
        found += [run.info.run_id for run in page]
        token = page.token
        if not token:
            break
    assert sorted(found) == sorted(ids)
    assert [ids.index(one) % 3 for one in found] == [2, 2, 1, 1, 0, 0, 0]


def test_any_text_is_kept(client: Client, run_id: str):
    """What a database refuses is kept as its escape sequence, and found by it."""
    client.set_tag(run_id, "k\0y", "nul\0 and \ud800 and ünïcode")
    tags = client.get_run(run_id).data.tags
    assert tags["k\\x00y"] == "nul\\x00 and \\ud800 and ünïcode"
    client.log_metric(run_id, "a\0b", 1.0)
    client.log_metric(run_id, "a\0b", 2.0, step=1)
    assert client.get_run(run_id).data.metrics == {"a\\x00b": 2.0}
    assert len(client.get_metric_history(run_id, "a\0b")) == 2
    assert len(client.search_runs(["0"], "tags.`k\\x00y` = 'nul\\x00 and \\ud800 and ünïcode'")) == 1


def test_a_batch_takes_few_statements(store: DatabaseStore, run_id: str):
    """However many points and keys it has."""
    batches = [
        [point(f"k{n % 10}", n, n // 10) for n in range(1000)],
        [point("one", n, n) for n in range(1000)],
        [point(f"k{n}", n, 200) for n in range(400)],
        [point("single", 1.0)],
    ]
    for points in batches:
        with statements(store) as sent:
            store.editor.batch(run_id, [], points)
        assert len(sent) <= 7, sent


def test_a_forked_child_has_connections_of_its_own(store: DatabaseStore, run_id: str, tmp_path: Path):
    """Parent and child go on writing, and what each wrote is there."""
    store.editor.points(run_id, [point("parent", 1.0)])
    child = os.fork()
    if child == 0:
        try:
            store.editor.points(run_id, [point("child", 1.0)])
            (tmp_path / "done").touch()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "done").exists()
    store.editor.points(run_id, [point("parent", 2.0, 1)])
    assert store.run(run_id).data.metrics == {"parent": 2.0, "child": 1.0}


def test_counting_takes_what_a_view_shows(client: Client, store: DatabaseStore, run_id: str):
    """As a search does."""
    client.delete_run(client.create_run("0").info.run_id)
    assert (store.count(), store.count(["0"], ViewType.ALL), store.count(["1"])) == (1, 2, 0)
    assert store.rows(Search(limit=5))[0][0].info.run_id == run_id


def test_a_server_that_drops_its_connections_costs_nothing(postgresql: str):
    """As it does when it is restarted: what is asked and what is written next goes over new ones, once."""
    with opened(postgresql) as store:
        run_id = Recorder(store).run().run_id
        for step in range(3):
            _drop_connections(postgresql)
            store.editor.points(run_id, [point("m", step, step)])
            _drop_connections(postgresql)
            assert store.history(run_id, "m").steps == list(range(step + 1))


def test_a_connection_that_is_lost_in_the_middle_takes_the_change_back(postgresql: str):
    """It is carried out again as a whole."""
    with opened(postgresql) as store:
        run_id = Recorder(store).run().run_id
        calls = []

        def change(connection: Connection) -> None:
            calls.append(connection)
            connection.execute(insert(tables.tags), {"run": 1, "key": f"k{len(calls)}", "value": ""})
            if len(calls) == 1:
                _drop_connections(postgresql)
            connection.execute(insert(tables.tags), {"run": 1, "key": "last", "value": ""})

        store.database.write(change)
        assert len(calls) == 2
        tags = store.run(run_id).data.tags
        assert {"k1", "k2", "last"} & set(tags) == {"k2", "last"}


def test_a_server_that_is_gone_is_said_to_be(postgresql_server: Postgresql, unused: int):
    """With a code that clients try again after, and soon."""
    with pytest.raises(AutotrackException) as caught:
        open_database(f"postgresql://postgres@127.0.0.1:{unused}/nothing", ROOT)
    assert caught.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert code_of(lambda: open_database(postgresql_server.url("not_there"), ROOT)) is not None


@pytest.fixture
def unused() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _drop_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
