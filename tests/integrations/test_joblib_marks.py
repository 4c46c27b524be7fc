"""What joblib's workers do for a recorded fit is part of that fit; what they do for the program is not."""

import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

import autotrack
from autotrack.testing import recorded

X, Y = load_iris(return_X_y=True)
BACKENDS = ("threading", "loky", "multiprocessing")


def train(alpha):
    return Ridge(alpha=alpha).fit(X, Y).coef_


@pytest.fixture(autouse=True)
def searches_alone():
    """The runs that a search leaves of its candidates are not what is looked at here."""
    autotrack.sklearn.autolog(max_tuning_runs=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_search_over_workers_is_one_run(record, backend):
    """The candidates are fitted in threads or processes, and none of them is a training of its own."""
    with joblib.parallel_config(backend=backend):
        GridSearchCV(Ridge(), {"alpha": [1, 2, 3]}, cv=3, n_jobs=2).fit(X, Y)
    assert record.run.name == "GridSearchCV Ridge"


def test_a_long_search_over_threads_is_one_run(record):
    """Also the tasks that are handed out later, by the thread in which an earlier one was completed."""
    with joblib.parallel_config(backend="threading", n_jobs=2):
        GridSearchCV(Ridge(), {"alpha": list(range(1, 30))}, cv=2, pre_dispatch=2).fit(X, Y)
    assert len(record.runs) == 1


def test_what_the_program_hands_out_is_recorded(record):
    """Each task of the user's own is a training on its own account."""
    found = Parallel(n_jobs=2, backend="threading")(delayed(train)(alpha) for alpha in (1, 2, 3))
    assert [run.name for run in record.runs] == ["Ridge"] * 3
    assert np.array_equal(found[1], train(2))


PROGRAM = """
import sys
import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
import autotrack

X, Y = load_iris(return_X_y=True)

def train(alpha):
    return Ridge(alpha=alpha).fit(X, Y)

if __name__ == "__main__":
    autotrack.autolog(max_tuning_runs=0)
    recording = {"initializer": autotrack.autolog} if sys.argv[1] == "loky" else {}  # the other backend forks
    with joblib.parallel_config(backend=sys.argv[1], n_jobs=2, **recording):
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(X, Y)
        joblib.Parallel()(joblib.delayed(train)(alpha) for alpha in (1, 2))
"""


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_worker_process_that_records_knows_the_difference(tmp_path, store, backend):
    """There a task of a recorded search leaves no run, a task of the program leaves its own."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    subprocess.run([sys.executable, script, backend], check=True, timeout=120, env={**os.environ})
    assert sorted(run.name for run in recorded(store)) == ["GridSearchCV Ridge", "Ridge", "Ridge"]


class Handing(BaseEstimator):
    """Hands out tasks while it is fitted, and keeps what a worker would be sent."""

    def fit(self, data):
        tasks = [delayed(abs)(value) for value in data]
        self.sized = Parallel(n_jobs=1, verbose=0)(tasks)
        self.lazy = Parallel(n_jobs=2, backend="threading", pre_dispatch=1)(task for task in tasks)
        self.tasks = tasks
        return self


def test_tasks_arrive_in_their_order_and_unchanged(record):
    """Whether they are handed over as a list or as a generator, which is not read ahead."""
    handing = Handing().fit([-1, 2, -3])
    assert handing.sized == handing.lazy == [1, 2, 3]
    assert [task[0] for task in handing.tasks] == [abs] * 3


def test_a_marked_task_loads_where_autotrack_is_not_installed(record, tmp_path):
    """It is the program's own function, with a text beside its arguments."""
    from autotrack_joblib import _marked

    data = pickle.dumps(_marked("sklearn", (round, (1.26,), {"ndigits": 1})))
    assert b"autotrack_joblib" not in data
    code = "import pickle, sys; f, a, k = pickle.loads(sys.stdin.buffer.read()); print(f(*a, **k))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout.strip() == b"1.3"


def test_it_goes_on_with_the_integration_that_needs_it(record):
    """Who configures scikit-learn alone does not get a run for each candidate either."""
    autotrack.disable()
    autotrack.sklearn.autolog(log_models=False, max_tuning_runs=0)
    with joblib.parallel_config(backend="threading"):
        GridSearchCV(Ridge(), {"alpha": [1, 2, 3]}, cv=3, n_jobs=2).fit(X, Y)
    assert record.run.name == "GridSearchCV Ridge"
    assert record.run.models == []


def test_worker_processes_record_what_they_train_themselves(tmp_path):
    """Fits that the program itself hands to processes are runs of the same store and experiment, with its options."""
    program = tmp_path / "program.py"
    program.write_text(
        "import autotrack\n"
        "autotrack.set_experiment('pool')\n"
        "autotrack.autolog(log_models=False)\n"
        "from joblib import Parallel, delayed\n"
        "from sklearn.dummy import DummyClassifier\n"
        "def work(n):\n"
        "    return DummyClassifier(random_state=n).fit([[0], [1]], [0, 1]).random_state\n"
        "print(Parallel(n_jobs=2)(delayed(work)(n) for n in range(4)))\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout == "[0, 1, 2, 3]\n"
    runs = autotrack.search_runs(experiment_names=["pool"], output_format="list")
    assert sorted(run.data.params["random_state"] for run in runs) == ["0", "1", "2", "3"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(run.outputs.model_outputs == [] for run in runs)
