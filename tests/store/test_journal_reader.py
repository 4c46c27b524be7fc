"""What a reader makes of journals: whole, torn, damaged, still growing."""

import random
import sys
from pathlib import Path

import pytest
from journals import append

from autotrack.event import Ended, Params, Renamed, Tags, encode
from autotrack.journal import points, reader
from autotrack.journal.format import raw_step, record


def test_a_line_without_its_end_is_left_until_it_is_whole(tmp_path: Path):
    """A reader that comes in the middle of a write sees the line the next time."""
    file = tmp_path / "events-w.jsonl"
    line = encode(Renamed("later"), 2)
    append(file, encode(Params({"a": "1"}), 1) + line[:10])
    first = reader.read_events(file)
    assert [one.event for one in first.lines] == [Params({"a": "1"})]
    assert first.skipped == []
    append(file, line[10:])
    second = reader.read_events(file, first.end)
    assert [one.event for one in second.lines] == [Renamed("later")]
    assert second.end == file.stat().st_size


def test_a_broken_line_is_reported_and_hides_no_other(tmp_path: Path):
    """Garbage, an event without its fields and a time beyond all bounds: each costs itself."""
    file = tmp_path / "events-w.jsonl"
    broken = [
        b"\xff\xfe\r garbage",
        b'{"e":"params","t":1}',
        b'{"e":"name","t":1e999,"name":"x"}',
        b"[" * 5000,
        b"\0" * 40,
    ]
    for text in broken:
        append(file, encode(Tags({"good": "yes"}), 5) + text + b"\n")
    append(file, encode(Ended("FINISHED"), 6))
    found = reader.read_events(file)
    assert len(found.lines) == len(broken) + 1
    assert [file.read_bytes()[one.offset :][:4] for one in found.skipped] == [text[:4] for text in broken]


def test_a_kind_of_a_later_version_is_passed_over(tmp_path: Path):
    """What this version does not know is no fault, and neither is a field that it does not know."""
    file = tmp_path / "events-w.jsonl"
    append(file, b'{"e":"hologram","t":1,"x":2}\n{"e":"name","t":2,"name":"n","colour":"red"}\n')
    found = reader.read_events(file)
    assert [one.event for one in found.lines] == [Renamed("n")]
    assert found.skipped == []


def test_a_record_of_zeros_and_a_torn_one_are_no_points(tmp_path: Path):
    """What a power loss leaves in a file is not taken for a value."""
    file = tmp_path / "metrics-w.bin"
    good = record(1, 0, 7, 8, 9.0)
    append(file, good + bytes(32) + good[:8] + b"x" + good[9:] + record(1, 0, 8, 8, 1.0) + good[:31])
    found = points.latest(file, 0, file.stat().st_size, {1})
    assert found.points[1].step == 8
    assert [one.offset for one in found.skipped] == [32, 64]
    assert found.end == 128


def test_damage_at_the_end_and_unannounced_keys_are_read_again(tmp_path: Path):
    """On a network file system bytes may arrive out of order: what is missing is looked for again."""
    file = tmp_path / "metrics-w.bin"
    append(file, record(1, 0, 1, 1, 1.0) + record(2, 0, 1, 1, 2.0) + bytes(32))
    found = points.latest(file, 0, 96, {1})
    assert found.end == 32
    assert set(found.points) == {1}
    assert points.latest(file, found.end, 96, {1, 2}).points[2].value == 2.0


def test_both_decoders_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With numpy and without it, any file gives the same points and the same faults."""
    pytest.importorskip("numpy")
    draw = random.Random(3)
    file = tmp_path / "metrics-w.bin"
    for size in (0, 1, 5, 700):
        data = bytearray(
            b"".join(
                record(
                    draw.randrange(1, 5), flag, step, draw.randrange(3), draw.choice([1.0, -0.0, float("nan"), 1e308])
                )
                for step, flag in (raw_step(draw.choice([1, -5, 2**62, 1.5, float("nan")])) for _ in range(size))
            )
        )
        for _ in range(min(size, 4)):
            data[draw.randrange(len(data))] ^= draw.randrange(256)
        file.write_bytes(bytes(data) + b"torn")
        answers = []
        for worth in (1 << 60, 0):
            monkeypatch.setattr(points, "_WORTH_NUMPY", worth)
            found = points.latest(file, 0, file.stat().st_size, {1, 2, 3})
            last = sorted((key_id, one.rank) for key_id, one in found.points.items())
            answers.append(repr((last, found.end, found.skipped, points.select(file, {1, 4}))))
        assert answers[0] == answers[1]
        assert "numpy" in sys.modules


def test_a_list_of_runs_names_no_other_directory(tmp_path: Path):
    """A line that could lead out of the store is no run id; the line that is being written waits."""
    file = tmp_path / "w"
    append(file, b"../../etc\n\n.hidden\nabc/def\n0123abcd\nfeed")
    assert reader.read_opened(file) == (["0123abcd"], file.stat().st_size - 4)
