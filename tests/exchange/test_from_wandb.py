"""What Weights & Biases has written offline becomes a run. The log is one that its version 0.31.0 has made."""

import shutil
from pathlib import Path

import pytest
from exchanged import bring

from autotrack.client import Client
from autotrack.exceptions import AutotrackException

OFFLINE = Path(__file__).parent / "assets" / "offline"
LOG = next(OFFLINE.rglob("*.wandb"))


def only(store):
    """The one run of a store."""
    client = Client(store)
    (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
    return client, run


def test_an_offline_run_becomes_a_run(tmp_path):
    """Configuration, history with nested keys and with NaN, summary, notes, tags, the end, and the files; once."""
    bring(OFFLINE, tmp_path / "store")
    client, run = only(tmp_path / "store")
    assert client.get_experiment(run.info.experiment_id).name == "digits"
    assert (run.info.run_name, run.info.status, run.data.tags["autotrack.exit_code"]) == ("my run", "FINISHED", "0")
    assert run.data.params == {"lr": "0.1", "layers": "[64, 64]", "nested.x": "1"}
    tags = {"wandb.group": "g", "wandb.job_type": "train", "wandb.tags": "a, b", "mlflow.note.content": "what I tried"}
    assert tags.items() <= run.data.tags.items()
    losses = [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "loss")]
    assert losses == [(step, 1 / (step + 1)) for step in range(5)] + [(10, 0.01)]
    assert [one.value for one in client.get_metric_history(run.info.run_id, "acc.val")] == [0, 0.1, 0.2, 0.3, 0.4]
    assert repr([one.value for one in client.get_metric_history(run.info.run_id, "odd")]) == "[0.0, 1.0, nan, inf, 4.0]"
    assert run.data.metrics["best"] == 0.01
    assert run.info.start_time < run.info.end_time
    lines = Path(client.download_artifacts(run.info.run_id, "wandb/history.jsonl")).read_text().splitlines()
    assert len(lines) == 6
    assert "x" * 33000 in lines[-1]  # a record that goes over several blocks of the log
    assert Path(client.download_artifacts(run.info.run_id, "files/output.log")).read_text() == "printed\n"
    assert bring(OFFLINE, tmp_path / "store").known == [run.info.run_id]


def test_a_log_that_was_cut_off_gives_what_is_whole(tmp_path):
    """A run that was killed has no end."""
    place = tmp_path / "run-kmdk11xd.wandb"
    place.write_bytes(LOG.read_bytes()[:3000])
    bring(place, tmp_path / "store")
    client, run = only(tmp_path / "store")
    assert run.info.status not in ("FINISHED", "FAILED")
    assert client.get_metric_history(run.info.run_id, "loss")[0].value == 1.0


def test_a_damaged_log_is_an_error(tmp_path):
    """Wherever the damage is; nothing is imported."""
    whole = LOG.read_bytes()
    place = tmp_path / "run-kmdk11xd.wandb"
    for at in (0, 7, 11, 13, 20, 5000, 40_000, len(whole) - 8):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(AutotrackException, match=r"damaged|no log of W&B's"):
            bring(place, tmp_path / "store")
    assert not (tmp_path / "store" / "runs").exists()


def test_a_link_among_the_files_is_not_followed(tmp_path):
    """It is told about."""
    place = tmp_path / "wandb"
    shutil.copytree(OFFLINE, place)
    (next(place.rglob("files")) / "passwd").symlink_to("/etc/passwd")
    bring(place, tmp_path / "store")
    client, run = only(tmp_path / "store")
    assert [one.path for one in client.list_artifacts(run.info.run_id, "files")] == ["files/output.log"]
