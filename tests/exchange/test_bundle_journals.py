"""Whatever a journal says, a bundle of it becomes the same record elsewhere, and the same bundle again."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from exchanged import bring, export, files
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autotrack.event import (
    ArtifactStored,
    DatasetUsed,
    Ended,
    LifeStage,
    ModelBegun,
    ModelChanged,
    ModelLogged,
    ModelsLinked,
    Params,
    Renamed,
    RunCreated,
    Tags,
)
from autotrack.journal.format import EXACT, raw_step
from autotrack.journal.writer import RunWriter
from autotrack.sinks.local import make_store
from autotrack.store import Store

TEXTS = st.text(max_size=8) | st.sampled_from(["mlflow.runName", "mlflow.parentRunId", "a b", "'", "`", "é", "\ud800"])
KEYS = st.sampled_from(["loss", "val/loss", "odd `key'", "é", "x" * 300])
TIMES = st.integers(0, 2**41)
STEPS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False).filter(lambda one: not one.is_integer())
    | st.integers(-3, 3)
)
VALUES = st.floats() | st.sampled_from([0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1.7e308])
MODELS = st.sampled_from(["m-1", "m-2"])
SERIES = st.one_of(KEYS, st.tuples(KEYS, st.none() | MODELS, st.none() | st.just("data"), st.none() | st.just("d1")))
SOME = st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=3)
PATHS = st.sampled_from(["model", "a/b", "é/ü"])
EVENTS = st.one_of(
    st.builds(Params, SOME),
    st.builds(Tags, st.dictionaries(TEXTS.filter(bool), st.none() | TEXTS, max_size=3)),
    st.builds(Renamed, TEXTS.filter(bool)),
    st.builds(DatasetUsed, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, SOME),
    st.builds(ArtifactStored, PATHS, st.integers(0, 9)),
    st.builds(ModelLogged, MODELS, TEXTS, PATHS, st.tuples(TEXTS), TEXTS, st.integers(0, 9), TEXTS, SOME, SOME,
              st.integers(0, 9), st.none() | TEXTS.filter(bool)),
    st.builds(ModelBegun, MODELS, TEXTS, st.none() | TEXTS.filter(bool), SOME, SOME),
    st.builds(ModelChanged, MODELS, st.sampled_from([None, "PENDING", "READY", "FAILED"]), st.none() | TEXTS,
              st.none(), SOME, SOME),
    st.builds(ModelsLinked, st.sampled_from(["input", "output"]), st.dictionaries(MODELS, st.integers(0, 9))),
    st.builds(Ended, st.sampled_from(["FINISHED", "FAILED", "KILLED", "SCHEDULED"]), st.none() | TEXTS),
    st.builds(LifeStage, st.sampled_from(["active", "deleted"])),
)  # fmt: skip
POINTS = st.tuples(SERIES, STEPS, TIMES, VALUES | st.integers(2**53 + 1, 2**70))
WRITERS = st.lists(st.tuples(st.lists(st.tuples(EVENTS, TIMES), max_size=8), st.lists(POINTS, max_size=8)), min_size=1,
                   max_size=2)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(WRITERS, min_size=1, max_size=3))
def test_export_and_import_lose_nothing(runs):
    """Several writers a run, facts in any order of times, any values: what the first store answers the second does."""
    with tempfile.TemporaryDirectory() as top:
        here, there = Path(top, "here"), Path(top, "there")
        make_store(here)
        for number, writers in enumerate(runs):
            write(here / "runs" / f"{number:032x}", writers)
        export(Path(top, "bundle"), here, deleted=True)
        bring(Path(top, "bundle"), there)
        bring(Path(top, "bundle"), there)
        export(Path(top, "again"), there, deleted=True)
        assert files(Path(top, "again")) == files(Path(top, "bundle"))
        old, new = Store(here), Store(there)
        try:
            for number in range(len(runs)):
                assert answers(new, f"{number:032x}") == answers(old, f"{number:032x}")
        finally:
            old.close()
            new.close()
        shutil.rmtree(there)


def write(directory, writers):
    """A run's journal."""
    directory.mkdir(parents=True)
    for number, (events, points) in enumerate(writers):
        writer = RunWriter(directory)
        if number == 0:
            writer.event(RunCreated("0", "Default", "name", None, "user"), 1000)
        for event, when in events:
            writer.event(event, when)
            if isinstance(event, ArtifactStored | ModelLogged):
                place = directory / "artifacts" / event.path / "content"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"x")
        for key, step, when, value in points:
            raw, flags = raw_step(step)
            if isinstance(value, int):
                writer.exact(key, step, when, str(value))
                flags |= EXACT
            writer.point(key, flags, raw, when, float(value))
        writer.close()


def answers(store, run_id):
    """All that a store says of a run; of one that nobody has ended, how it looks now is not its own."""
    run = store.run(run_id)
    info = replace(run.info, artifact_uri=None)
    if info.status in ("RUNNING", "LOST", "KILLED") and not info.end_time:
        info = replace(info, status="", end_time=None)
    found = [repr(replace(info, status="", end_time=None) if info.status == "LOST" else info)]
    found += [repr(run.data.params), repr(sorted(run.data.tags.items()))]
    found += sorted(repr((one.dataset, sorted(map(repr, one.tags)))) for one in run.inputs.dataset_inputs)
    found += sorted(map(repr, [*run.inputs.model_inputs, *run.outputs.model_outputs]))
    for key in sorted(run.data.metrics):
        found += sorted(map(repr, store.history(run_id, key).metrics()))
    return found
