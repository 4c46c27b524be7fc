"""TensorBoard's event files become runs: those that its own writer makes, and whatever is left of them."""

import struct
from pathlib import Path

import pytest
from exchanged import bring, export, files

from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.exchange.tensorboard import masked, scalar

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")
from tensorboard.compat.proto import summary_pb2, tensor_pb2  # noqa: E402
from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: E402
from tensorboard.summary.writer.event_file_writer import EventFileWriter  # noqa: E402


def value(tag, plugin="", content=b"", **given):
    """One value of a summary."""
    made = summary_pb2.Summary.Value(tag=tag, **given)
    if plugin:
        made.metadata.plugin_data.plugin_name = plugin
        made.metadata.plugin_data.content = content
    return made


def write(directory, *steps, suffix=""):
    """An event file of values by step, as TensorBoard's writer makes them."""
    writer = EventFileWriter(str(directory), filename_suffix=suffix)
    for step, values in steps:
        event = event_pb2.Event(wall_time=1000.5 + step, step=step, summary=summary_pb2.Summary(value=values))
        writer.add_event(event)
    writer.close()
    return max(Path(directory).glob("*tfevents*"), key=lambda one: (one.stat().st_mtime_ns, one.name))


def tensor(number, kind=1):
    """A tensor of one number."""
    return tensor_pb2.TensorProto(dtype=kind, float_val=[number])


@pytest.fixture
def logs(tmp_path):
    """A directory with two runs, one of two files."""
    place = tmp_path / "logs"
    content = plugin_data_pb2.HParamsPluginData()
    content.session_start_info.hparams["lr"].number_value = 0.1
    content.session_start_info.hparams["layers"].number_value = 3
    content.session_start_info.hparams["name"].string_value = "é"
    content.session_start_info.hparams["fast"].bool_value = True
    end = plugin_data_pb2.HParamsPluginData()
    end.session_end_info.status = 1
    end.session_end_info.end_time_secs = 2000.0
    write(
        place / "one", (0, [value("loss", simple_value=0.5), value("acc", "scalars", tensor=tensor(0.25))]),
        (1, [value("loss", simple_value=float("nan")), value("acc", tensor=tensor(0.75))]),
        (0, [value("_hparams_/session_start_info", "hparams", content.SerializeToString())]),
        (2, [value("note/text_summary", "text", tensor=tensor_pb2.TensorProto(dtype=7, string_val=["hé".encode()]))]),
    )  # fmt: skip
    write(place / "one", (7, [value("loss", simple_value=0.125)]),
          (0, [value("_hparams_/session_end_info", "hparams", end.SerializeToString())]), suffix=".later")  # fmt: skip
    write(place / "two" / "eval", (-3, [value("loss", simple_value=float("inf"))]))
    return place


def test_event_files_become_runs(logs, tmp_path):
    """Scalars of both styles, hyperparameters, texts, the end, and the files; from all files of a directory."""
    done = bring(logs, tmp_path / "store")
    client = Client(tmp_path / "store")
    (found,) = [one for one in client.search_experiments() if one.name == "logs"]
    runs = {one.info.run_name: one for one in client.search_runs([found.experiment_id])}
    assert sorted(runs) == ["one", "two/eval"]
    one = runs["one"]
    points = [(p.step, repr(p.value), p.timestamp) for p in client.get_metric_history(one.info.run_id, "loss")]
    assert points == [(0, "0.5", 1000500), (1, "nan", 1001500), (7, "0.125", 1007500)]
    assert [p.value for p in client.get_metric_history(one.info.run_id, "acc")] == [0.25, 0.75]
    assert one.data.params == {"lr": "0.1", "layers": "3", "name": "é", "fast": "True"}
    assert (one.info.status, one.info.start_time, one.info.end_time) == ("FINISHED", 1000500, 2000000)
    assert Path(client.download_artifacts(one.info.run_id, "text/note.md")).read_text() == "## step 2\n\nhé\n"
    assert len(client.list_artifacts(one.info.run_id, "tensorboard")) == 2
    two = runs["two/eval"]
    assert [(p.step, p.value) for p in client.get_metric_history(two.info.run_id, "loss")] == [(-3, float("inf"))]
    assert two.info.status == "LOST"  # nothing says how it ended
    assert sorted(bring(logs, tmp_path / "store").known) == sorted(done.runs)
    export(tmp_path / "a", tmp_path / "store")
    bring(tmp_path / "a", tmp_path / "third")
    export(tmp_path / "b", tmp_path / "third")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_file_that_was_cut_off_gives_what_is_whole(logs, tmp_path):
    """At any byte of its last record."""
    place = write(tmp_path / "cut", (0, [value("loss", simple_value=1.0)]), (1, [value("loss", simple_value=2.0)]))
    whole = place.read_bytes()
    for less in (1, 3, 5, 20):
        place.write_bytes(whole[:-less])
        store = tmp_path / f"store{less}"
        bring(place.parent, store)
        client = Client(store)
        (run,) = client.search_runs([one.experiment_id for one in client.search_experiments()])
        assert [p.value for p in client.get_metric_history(run.info.run_id, "loss")] == [1.0]


def test_a_damaged_file_is_an_error_that_names_the_place(tmp_path):
    """Each byte counts: of a length, of a check, of a record; nothing is imported then."""
    place = write(tmp_path / "logs", (0, [value("loss", simple_value=1.0)]), (1, [value("loss", simple_value=2.0)]))
    whole = place.read_bytes()
    for at in (0, 9, 14, len(whole) - 20, len(whole) - 1):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(AutotrackException, match="is damaged at byte"):
            bring(place.parent, tmp_path / "store")
    assert not (tmp_path / "store" / "runs").exists()


def test_hostile_records_are_errors(tmp_path):
    """Sound checks, and rubbish inside; a record that claims to be huge."""
    place = tmp_path / "logs" / "events.out.tfevents.1"
    place.parent.mkdir()
    for data in (b"\xff" * 20, b"\x2a\xff\xff\xff\xff\x0f", b"\x2a\x03\x0a\x50\x01", b"\x0b"):
        place.write_bytes(framed(data))
        with pytest.raises(AutotrackException, match=r"no event|cannot be read"):
            bring(place.parent, tmp_path / "store")
    head = struct.pack("<Q", 1 << 62)
    place.write_bytes(head + struct.pack("<I", masked(head)) + b"x")
    with pytest.raises(AutotrackException, match="is damaged"):
        bring(place.parent, tmp_path / "store")


def framed(data):
    """A record with its length and its checks."""
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked(head)) + data + struct.pack("<I", masked(data))


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int32", "int64", "bfloat16"])
def test_a_number_of_any_type_is_that_number(kind):
    """As TensorBoard's own code makes tensors of them, and with their bytes as content."""
    from tensorboard.compat.proto import types_pb2
    from tensorboard.util.tensor_util import make_tensor_proto

    if kind == "bfloat16":
        made = tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16, half_val=[0x4040])
    else:
        import numpy as np

        made = make_tensor_proto(np.array(3, dtype=kind))
    assert scalar(made.SerializeToString()) == 3.0
