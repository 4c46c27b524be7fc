"""A run is done again from its record, and a verdict says whether the results are the same."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import Project

from autotrack.client import Client
from autotrack.entities import Run

DATA = "x,y\n" + "".join(f"{n},{(n * 7) % 10}\n" for n in range(60))
SKLEARN = """
import sys
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from features import widen

frame = pd.read_csv("data/points.csv")
X, y = widen(frame[["x"]]), frame["y"]
model = RandomForestRegressor(5, random_state=int(sys.argv[1])).fit(X[:40], y[:40])
print(model.score(X[40:], y[40:]))
"""
XGBOOST = """
import sys
import numpy as np
import xgboost as xgb
from features import widen

x, y = np.loadtxt("data/points.csv", delimiter=",", skiprows=1).T
train = xgb.DMatrix(widen(x)[:, None], y)
params = {"seed": int(sys.argv[1]), "subsample": 0.5, "max_depth": 3}
xgb.train(params, train, 8, evals=[(train, "train")], verbose_eval=False)
"""
TORCH = """
import sys
import numpy as np
import torch
from features import widen

torch.manual_seed(int(sys.argv[1]))
x, y = torch.tensor(np.loadtxt("data/points.csv", delimiter=",", skiprows=1), dtype=torch.float32).T
model = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(widen(x)[:, None], y[:, None]), 16, shuffle=True)
for _ in range(3):
    for a, b in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(a), b).backward()
        optimizer.step()
"""
PLAIN = """
import os
import random
import lib
import joblib
import pandas as pd
import autotrack

random.seed(int(os.environ["PYTHON_SEED"]))
with autotrack.start_run():
    autotrack.log_metric("mean", float(pd.read_csv("points.txt").x.mean()))
    autotrack.log_metric("drawn", random.random() * lib.FACTOR)
    autotrack.log_metric("seconds", __import__("time").perf_counter())
"""


@dataclass
class Original:
    """A project whose program has left one run."""

    project: Project
    run: Run

    def autotrack(self, *words: str, at: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autotrack", *words], cwd=at or self.project.directory, capture_output=True,
            text=True, env={**os.environ, "PYTEST_CURRENT_TEST": "", **environment}, check=False,
        )  # fmt: skip

    def verdict(self, *words: str, at: Path | None = None, **environment: str) -> dict:
        done = self.autotrack("reproduce", self.run.info.run_id, "--json", *words, at=at, **environment)
        assert done.stdout, done.stderr
        found = json.loads(done.stdout[done.stdout.index("\n{\n") if "\n{\n" in done.stdout else 0 :])
        assert done.returncode == (0 if found["reproduced"] else 1)
        return found | {part["name"]: part for part in found["parts"]}


def recorded(project: Project, *words: str, reads: bool = True, **environment: str) -> Original:
    """Run the project's program under ``autotrack run``. The digest of a file that it has read may be taken by a
    process that comes after it."""
    project.run("-m", "autotrack", "run", *words, **environment)
    assert project.ended()
    client = Client(project.store)
    experiments = [one.experiment_id for one in client.search_experiments()]

    def newest() -> Run | None:
        run = client.search_runs(experiments, order_by=["start_time DESC"])[0]
        return run if not reads or any(one.tags[0].value == "read" for one in run.inputs.dataset_inputs) else None

    return Original(project, project.eventually(newest))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(SKLEARN, id="scikit-learn"),
        pytest.param(XGBOOST, id="XGBoost", marks=pytest.mark.slow),
        pytest.param(TORCH, id="PyTorch", marks=pytest.mark.slow),
    ],
)
def test_a_run_is_reproduced_from_a_fresh_clone(program, project, tmp_path):
    """Its program was changed but not committed, a module of it is new, and its data are not in the repository; the
    directory that it ran in is gone."""
    project.write(train="print('not yet')\n", _dot_gitignore="data/\n", data__points_dot_csv=DATA).commit()
    project.write(train=program, features="def widen(x):\n    return x * 2.5\n")
    made = recorded(project, "train.py", "3")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", project.directory, clone], check=True)
    shutil.copytree(project.directory / "data", clone / "data")
    project.directory.rename(tmp_path / "gone")
    found = made.verdict("--no-env", at=clone)
    assert {name: found[name]["state"] for name in ("code", "data", "metrics", "parameters", "predictions")} == {
        "code": "equal", "data": "equal", "metrics": "equal", "parameters": "equal", "predictions": "equal",
    }  # fmt: skip
    again = Client(project.store).get_run(found["repeated"])
    assert again.data.tags["autotrack.reproduces"] == made.run.info.run_id
    of_model = [{key for key in run.data.metrics if not key.startswith("system/")} for run in (again, made.run)]
    assert of_model[0] == of_model[1] != set()


def test_changed_data_package_and_seed_are_named(project):
    """The verdict is that the run was not reproduced, and says by what; times of the machine do not count."""
    lib = project.directory.parent / "site"
    lib.mkdir()
    (lib / "lib.py").write_text("FACTOR = 1\n")
    (lib / "lib-1.0.dist-info").mkdir()
    project.write(train=PLAIN, points_dot_txt="x\n1\n2\n", _dot_gitignore="points.txt\n").commit()
    path = os.pathsep.join([str(lib), os.environ["PYTHONPATH"]])
    made = recorded(project, "train.py", PYTHONPATH=path, PYTHON_SEED="1")
    same = made.verdict("--no-env", PYTHONPATH=path)
    assert same["reproduced"]
    assert same["metrics"] == {"name": "metrics", "state": "equal", "details": ["2 metrics, every point of them"]}
    (lib / "lib-1.0.dist-info").rename(lib / "lib-2.0.dist-info")
    (lib / "lib.py").write_text("FACTOR = 25\n")
    project.write(points_dot_txt="x\n1\n3\n")
    context = Client(project.store).download_artifacts(made.run.info.run_id, "context/launch.json")
    launch = json.loads(Path(context).read_text())
    launch["environment"]["PYTHON_SEED"] = "2"
    Path(context).write_text(json.dumps(launch))
    found = made.verdict("--no-env", PYTHONPATH=path)
    assert not found["reproduced"]
    assert found["packages"]["details"] == ["lib: 1.0, then 2.0"]
    assert found["seeds"]["details"] == ["random: 1, then 2"]
    assert [line.partition(":")[0] for line in found["data"]["details"]] == ["points.txt (read)"]
    assert [line.partition(":")[0] for line in found["metrics"]["details"]] == ["drawn", "mean"]


def test_the_plan_says_what_would_be_done_and_what_is_in_the_way(project):
    """Nothing is run or written; what cannot be repeated is refused with the remedy."""
    project.write(train="import autotrack, os\nwith autotrack.start_run(): autotrack.log_param('a', 1)\n").commit()
    made = recorded(project, "train.py", "--api-key", "sk-proj-" + "Ab3dE6gH9j" * 4, reads=False)
    plan = made.autotrack("reproduce", made.run.info.run_id, "--dry-run", "--json", "--no-env")
    found = json.loads(plan.stdout)
    assert plan.returncode == 1
    assert [step["step"].partition(":")[0] for step in found["steps"]] == ["code", "environment", "command"]
    assert [one["text"] for one in found["problems"] if one["fatal"]] == [
        "an argument of the command was a secret and is not recorded; give the whole command behind --"
    ]
    refused = made.autotrack("reproduce", made.run.info.run_id, "--no-env")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "behind --" in refused.stderr
    given = made.autotrack("reproduce", made.run.info.run_id, "--dry-run", "--json", "--no-env", "--", "train.py")
    assert (given.returncode, json.loads(given.stdout)["command"]) == (0, ["train.py"])
    assert len(Client(project.store).search_runs([made.run.info.experiment_id])) == 1


def test_what_two_runs_do_not_share_is_shown(project):
    """Code file by file, packages, seeds and metrics; nothing for a run beside itself."""
    project.write(train="import autotrack, util\nwith autotrack.start_run(): autotrack.log_metric('m', util.M)\n")
    project.write(util="M = 1\n").commit()
    first = recorded(project, "train.py", reads=False)
    project.write(util="M = 25\n")
    second = recorded(project, "train.py", reads=False)
    ids = first.run.info.run_id, second.run.info.run_id
    found = json.loads(first.autotrack("diff", *ids, "--json").stdout)
    assert found["metrics"] == {"m": [1.0, 25.0]}
    assert found["code"]["util.py"][0] is None
    assert found["code"]["util.py"][1].startswith("changed ")
    assert found.keys() == {"runs", "code", "metrics"}
    assert "nothing that is known of them differs" in first.autotrack("diff", ids[0], ids[0]).stdout


@pytest.mark.slow  # makes virtual environments
def test_the_environment_is_made_with_the_recorded_versions(project, tmp_path):
    """From wheels alone, once for the repetition and once by the script that is written for others."""
    house = tmp_path / "wheels"
    house.mkdir()
    for version in ("1.0", "2.0"):
        with zipfile.ZipFile(house / f"lib-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("lib.py", f"M = {version}\n")
            wheel.writestr(
                f"lib-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: lib\nVersion: {version}\n"
            )
            wheel.writestr(
                f"lib-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"lib-{version}.dist-info/RECORD", "")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index"]
    subprocess.run([*pip, "--target", site, house / "lib-1.0-py3-none-any.whl"], check=True)
    program = "import lib\nprint(lib.M)\ntry:\n    import autotrack\nexcept ImportError:\n    raise SystemExit\n"
    program += "with autotrack.start_run(): autotrack.log_metric('m', lib.M)\n"
    project.write(train=program).commit()
    path = os.pathsep.join([str(site), os.environ["PYTHONPATH"]])
    made = recorded(project, "train.py", PYTHONPATH=path, reads=False)
    context = Path(Client(project.store).download_artifacts(made.run.info.run_id, "context/packages.json"))
    launch = context.with_name("launch.json")
    packages = [one for one in json.loads(context.read_text()) if one["name"] in ("lib", "autotrack-ml")]
    context.write_text(json.dumps(packages))
    facts = json.loads(launch.read_text())
    del facts["environment"]["PYTHONPATH"]
    launch.write_text(json.dumps(facts))
    done = made.autotrack(
        "reproduce",
        made.run.info.run_id,
        "--json",
        "--wheels",
        str(house),
        "--no-index",
        "--dir",
        str(tmp_path / "again"),
    )
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert found["reproduced"], done.stderr
    again = tmp_path / "again" / "environment"
    assert subprocess.run([again / "bin/python", "-c", "import lib; print(lib.M)"], capture_output=True, check=True,
                          text=True).stdout == "1.0\n"  # fmt: skip
    made.autotrack("reproduce", made.run.info.run_id, "--export", str(tmp_path / "folder"))
    requirements = tmp_path / "folder" / "requirements.txt"
    requirements.write_text("lib==1.0\n")
    script = subprocess.run(
        [tmp_path / "folder" / "reproduce.sh"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house)},
    )  # fmt: skip
    assert (script.returncode, script.stdout.splitlines()[-1]) == (0, "1.0"), script.stderr
