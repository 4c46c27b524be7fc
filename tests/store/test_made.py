"""What is made of runs is kept, and is never that of a run which has changed since."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from databases import ROOT, Recorder, opened, point, statements
from sqlalchemy import text

from autotrack.client import Client
from autotrack.entities import ViewType
from autotrack.event import DatasetUsed, Ended, Joined, ModelsLinked, Params, Process, Renamed, Tags
from autotrack.journal.format import experiment_id
from autotrack.store import Search, runs
from autotrack.store.database import DatabaseStore, context, open_database
from autotrack.store.garbage import Policy
from autotrack.store.garbage import database as garbage
from autotrack.store.made import Made
from autotrack.store.rows import Listed
from autotrack.wire.objects import open_objects

EXPERIMENT = experiment_id("exp")
ALL = Search([EXPERIMENT], limit=10)


@pytest.fixture
def store(database: str) -> Iterator[DatabaseStore]:
    """A database of each kind."""
    with opened(database) as found:
        yield found


class Counting:
    """Makes the facts of runs, and counts how often."""

    def __init__(self, most: int = 10_000) -> None:
        self.count = 0
        self.made = Made(self._make, lambda _: 1, most)

    def _make(self, run: Listed) -> Listed:
        self.count += 1
        return run


def test_each_change_of_a_run_is_in_the_next_answer(store: DatabaseStore):
    """And what did not change is not made again."""
    recorder = Recorder(store)
    recorder.run("other")
    mine = recorder.run("mine")
    client, counting = Client.on(store), Counting()
    changes = [
        lambda: store.editor.points(mine.run_id, [point("loss", 0.5)]),
        lambda: store.editor.points(mine.run_id, [point("loss", 0.25, 1)]),
        lambda: store.editor.event(mine.run_id, Params({"lr": "0.1"})),
        lambda: store.editor.event(mine.run_id, Tags({"team": "red"})),
        lambda: store.editor.event(mine.run_id, Tags({"team": None})),
        lambda: store.editor.event(mine.run_id, Renamed("ours")),
        lambda: store.editor.event(mine.run_id, DatasetUsed("data", "1", "local", "{}", "", "", "train", {})),
        lambda: store.editor.event(mine.run_id, ModelsLinked("output", {"m-1": 0})),
        lambda: store.editor.event(mine.run_id, Ended("FINISHED")),
        lambda: store.editor.event(mine.run_id, Joined()),
        lambda: client.delete_run(mine.run_id),
        lambda: client.restore_run(mine.run_id),
        lambda: client.delete_experiment(EXPERIMENT),
        lambda: client.restore_experiment(EXPERIMENT),
    ]
    store.made_of_runs(ALL, counting.made)
    for number, change in enumerate(changes):
        for search in (
            ALL,
            Search([EXPERIMENT], limit=1),
            Search(None, limit=10),
        ):  # with one statement and with several
            store.made_of_runs(search, counting.made)
        change()
        before = counting.count
        assert list(store.made_of_runs(ALL, counting.made)) == fresh(store, ALL), number
        assert counting.count <= before + 1, number


def test_what_did_not_change_takes_one_statement(store: DatabaseStore):
    """However many runs a page has; of those that changed, it takes no more for many than for one."""
    recorder, counting = Recorder(store), Counting()
    for number in range(30):
        recorder.run(f"run {number}")
    search = Search([EXPERIMENT], "attributes.start_time >= 0", limit=20)
    for _ in range(3):
        store.made_of_runs(search, counting.made)
    with statements(store) as sent:
        page = store.made_of_runs(search, counting.made)
    assert len(page) == 20
    assert page.token
    assert len([one for one in sent if one != "BEGIN"]) == 1
    assert counting.count == 20
    counts = []
    for changed in (page[:1], list(page)):
        for one in changed:
            store.editor.event(one.info.run_id, Tags({"seen": "yes"}))
        with statements(store) as sent:
            page = store.made_of_runs(search, counting.made)
        counts.append(len(sent))
        assert list(page) == fresh(store, search)
    assert counts[0] == counts[1] <= 8


def test_runs_that_lack_what_is_sorted_by_come_last_each_time(store: DatabaseStore):
    """A page that takes more than one statement takes them again."""
    recorder, search = Recorder(store), Search([EXPERIMENT], order_by=["metrics.loss DESC", "run_name"], limit=4)
    for number in range(3):
        store.editor.points(recorder.run(f"with {number}").run_id, [point("loss", number)])
    for rest in ([], ["without"]):
        for name in rest:
            recorder.run(name)
        for _ in range(3):
            page = store.made_of_runs(search, Counting().made)
            assert [one.info.run_name for one in page] == ["with 2", "with 1", "with 0", *rest]
            assert page.token is None


def test_what_takes_several_statements_is_not_tried_with_one_each_time(store: DatabaseStore):
    """A page that is not filled, sorted by what not all runs have."""
    recorder, counting = Recorder(store), Counting()
    for number in range(3):
        store.editor.points(recorder.run(f"run {number}").run_id, [point("loss", number)])
    search = Search([EXPERIMENT], order_by=["metrics.loss DESC"], limit=10)
    counts = []
    for _ in range(4):
        with statements(store) as sent:
            assert len(store.made_of_runs(search, counting.made)) == 3
        counts.append(len([one for one in sent if "ORDER BY runs" in one or "ORDER BY metrics" in one]))
    assert counts == [3, 3, 3, 3]


def test_what_is_lost_is_so_at_one_moment(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """Whatever is asked of it in one statement: else a run would be kept as running, and marked as silent."""
    run = Recorder(store).run("mine", process=Process("host", "boot", "ns", 1, 0))
    store.run(run.run_id)
    asked: list[int] = []

    class Clock:
        @staticmethod
        def time_ns() -> int:
            asked.append(1)
            return time.time_ns()

    monkeypatch.setattr(context, "time", Clock)
    store.listed_run(run.run_id)
    assert len(asked) == 1


def test_a_lost_run_is_made_again(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """Though nothing has been written to it: it is the silence that changed it. A sign of life changes it back."""
    run = Recorder(store).run("mine", process=Process("host", "boot", "ns", 1, 0))
    counting = Counting()
    for _ in range(2):
        assert [one.info.status for one in store.made_of_runs(ALL, counting.made)] == ["RUNNING"]
    assert counting.count == 1
    with monkeypatch.context() as later:
        later.setattr(context, "LEASE_MS", -60_000)  # no sign of life is young enough
        for _ in range(2):
            assert [one.info.status for one in store.made_of_runs(ALL, counting.made)] == ["LOST"]
        assert counting.count == 2
    store.editor.event(run.run_id, Joined(Process("host", "boot", "ns", 1, 0)))
    assert [one.info.status for one in store.made_of_runs(ALL, counting.made)] == ["RUNNING"]


def test_runs_of_a_deleted_experiment_are_deleted(store: DatabaseStore):
    """Whatever was kept of them while they were not."""
    Recorder(store).run("mine")
    counting = Counting()
    for _ in range(2):
        store.made_of_runs(ALL, counting.made)
    Client.on(store).delete_experiment(EXPERIMENT)
    every = Search([EXPERIMENT], view=ViewType.ALL, limit=10)
    assert [one.info.lifecycle_stage for one in store.made_of_runs(every, counting.made)] == ["deleted"]
    assert list(store.made_of_runs(ALL, counting.made)) == []
    Client.on(store).restore_experiment(EXPERIMENT)
    for search in (ALL, every):
        assert [one.info.lifecycle_stage for one in store.made_of_runs(search, counting.made)] == ["active"]


def test_an_experiment_that_is_deleted_between_finding_and_reading(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
):
    """Its runs are as they were before, or not in the answer; and nothing is kept of them that would be wrong later."""
    Recorder(store).run("mine")
    counting, found, client = Counting(0), runs.find_at_once, Client.on(store)
    for _ in range(2):
        store.made_of_runs(ALL, counting.made)

    def and_delete(*asked: object) -> object:
        page = found(*asked)
        client.delete_experiment(EXPERIMENT)
        return page

    counting = Counting()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(runs, "find_at_once", and_delete)
        assert list(store.made_of_runs(ALL, counting.made)) == []
    client.restore_experiment(EXPERIMENT)
    assert [one.info.lifecycle_stage for one in store.made_of_runs(ALL, counting.made)] == ["active"]


def test_a_row_that_is_given_again_is_another_run(store: DatabaseStore, tmp_path):
    """As SQLite does with the number of a run that was removed."""
    recorder, counting = Recorder(store), Counting()
    before = recorder.run("before")
    store.editor.event(before.run_id, Ended("FINISHED"))
    for _ in range(2):
        store.made_of_runs(ALL, counting.made)
    Client.on(store).delete_run(before.run_id)
    assert garbage.collect(store, open_objects(str(tmp_path)), Policy()).removed
    store.editor.event(recorder.run("after").run_id, Ended("FINISHED"))
    assert [one.info.run_name for one in store.made_of_runs(ALL, counting.made)] == ["after"]


def test_a_change_between_finding_and_reading_is_noticed(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """The answer is then of one moment, after it: no run is beside a filter that it does not meet."""
    run = Recorder(store).run("mine")
    search = Search([EXPERIMENT], "attributes.status = 'RUNNING'", limit=10)
    counting, found = Counting(0), runs.find_at_once
    for _ in range(2):
        store.made_of_runs(search, counting.made)

    def and_end(*asked: object) -> object:
        page = found(*asked)
        store.editor.event(run.run_id, Ended("FINISHED"))
        return page

    monkeypatch.setattr(runs, "find_at_once", and_end)
    assert list(store.made_of_runs(search, Counting().made)) == []


def test_no_answer_is_older_than_what_was_written_before_it(store: DatabaseStore):
    """With writers and askers at the same time."""
    recorder, counting = Recorder(store), Counting()
    made = [recorder.run(f"run {number}") for number in range(4)]
    written, stop, wrong = [0] * len(made), threading.Event(), []

    def write(number: int) -> None:
        for step in range(1, 40):
            store.editor.points(made[number].run_id, [point("step", step, step)])
            written[number] = step
        stop.set()

    def ask() -> None:
        while not stop.is_set():
            least = dict(zip([one.run_id for one in made], written, strict=True))
            answer = store.made_of_runs(ALL, counting.made)
            wrong.extend(one for one in answer if (one.points[0][2] if one.points else 0) < least[one.info.run_id])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    threads += [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(store.made_of_runs(ALL, counting.made)) == fresh(store, ALL)


def test_two_servers_on_one_database_are_one(database: str):
    """What one of them has kept is not what the other one has changed."""
    with opened(database) as one, opened(database) as other:
        run, counting = Recorder(one).run("mine"), Counting()
        for value in range(3):
            other.editor.points(run.run_id, [point("loss", value, value)])
            assert [(found.points[0][2]) for found in one.made_of_runs(ALL, counting.made)] == [value]


def test_a_database_from_before_is_brought_up_with_its_runs(tmp_path):
    """Which have no marks then that tell them from others, but get one with their next change."""
    url = f"sqlite:///{tmp_path / 'autotrack.db'}"
    with opened(url) as store:
        run = Recorder(store).run("mine")
        store.database.write(lambda connection: connection.execute(text("UPDATE intake SET revision = 0")))
    store, counting = open_database(url, ROOT), Counting()
    for name in ("one", "other"):
        store.editor.event(run.run_id, Renamed(name))
        assert [one.info.run_name for one in store.made_of_runs(ALL, counting.made)] == [name]
    store.close()


def test_no_more_is_kept_than_may_be():
    """Of what is asked for again, though, it is not the first that goes."""
    runs_, counting = {number: listed(number) for number in range(1000)}, Counting(100)
    for number in range(1000):
        for one in (0, number):
            page = page_of(one)
            assert counting.made.of(page, lambda numbers: [runs_[one] for one in numbers]) == [runs_[one]]
    kept = {*counting.made._kept, *counting.made._before}
    assert len(kept) <= 102
    assert 0 in kept
    assert counting.count == 1000


def test_a_condition_that_becomes_rare_or_common_is_answered_all_the_same(store: DatabaseStore):
    """Statements are kept for a while, whatever the rows do meanwhile; so are those for a better metric not."""
    recorder = Recorder(store)
    search = Search([EXPERIMENT], "tags.team = 'red'", order_by=["best(loss) DESC"], limit=5)
    for value in range(8):
        run = recorder.run(f"run {value}")
        store.editor.event(run.run_id, Tags({"team": "red"}))
        store.editor.points(run.run_id, [point("loss", value)])
        for _ in range(2):
            found = [one.info.run_name for one in store.made_of_runs(search, Counting().made)]
            assert found == [f"run {number}" for number in range(value, max(-1, value - 5), -1)]


def page_of(number: int) -> runs.Page:
    """A page of one run."""
    return runs.Page([number], None, [number + 7])


def listed(number: int) -> Listed:
    """A run of which only the mark matters."""
    return Listed(None, (), "", "", None, number + 7)  # type: ignore[arg-type]  # nothing looks at it


def fresh(store: DatabaseStore, search: Search) -> list[Listed]:
    """The same of which nothing is kept."""
    return list(store.made_of_runs(search, Counting().made))
