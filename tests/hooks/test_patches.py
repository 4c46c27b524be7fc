"""Patches go in, stay out of the way, and come out again."""

import copy
import functools
import pickle
import sys
from importlib.machinery import ModuleSpec

import cloudpickle
import pytest
import toyframework

from autotrack import _watch, hooks
from autotrack._patch import is_ours
from autotrack.testing import fresh, said
from autotrack.testing.traces import names_us

DATA = (1.0, 2.0, 3.0)


@pytest.fixture
def fired(toy):
    """Every kind of target is recorded; how often so far."""

    @toy.hook(
        "toyframework:train", "toyframework:Model.fit", "toyframework:Model.default", "toyframework:Model.average"
    )
    def train(call):
        call.run.params({})
        yield

    toy.switch()
    return lambda: toy.hooks[0].fired


def everything():
    """All that is in the framework's module and its classes, by identity."""
    owners = [toyframework, *(value for value in vars(toyframework).values() if isinstance(value, type))]
    return [(owner, dict(vars(owner))) for owner in owners]


def same(before, after):
    return all(
        left is right and was.keys() == now.keys() and all(was[name] is now[name] for name in was)
        for (left, was), (right, now) in zip(before, after, strict=True)
    )


def test_disabling_puts_back_the_very_objects(toy, record):
    """Nothing else is left in the framework or in the import system; switching on again leaves one wrapper."""
    before, finders = everything(), list(sys.meta_path)

    @toy.hook("toyframework:train", "toyframework:Slow.advance", "toyframework:Model.default", "notthere:function")
    def train(call):
        call.run.params({})
        yield

    @toy.hook_subclasses("toyframework:Model", "fit")
    def fit(call):
        yield

    for _ in range(3):
        toy.switch()
        assert not same(before, everything())
        assert not is_ours(toyframework.train.__wrapped__)
        toyframework.train({}, DATA)
        toy.disable()
        assert same(before, everything())
    assert len(record.runs) == 3
    _watch.forget()
    assert sys.meta_path == finders


def test_switching_on_twice_leaves_one_wrapper(toy, fired, record):
    """Also through two calls of autolog."""
    toy.switch()
    toy.autolog(log_models=False)
    toyframework.train({}, DATA)
    assert fired() == 1


def test_a_strangers_later_patch_is_left_alone(toy, fired, record):
    """Ours below it passes calls through and records nothing; switched on again it records once."""
    ours = toyframework.train

    @functools.wraps(ours)
    def stranger(*args, **kwargs):
        return ours(*args, **kwargs)

    try:
        toyframework.train = stranger
        toy.disable()
        assert toyframework.train is stranger
        assert toyframework.train({}, DATA).mean == 1.75
        assert record.runs == []
        toy.switch()
        assert toyframework.train({}, DATA).mean == 1.75
        assert len(record.runs) == 1
        toy.disable()
        assert toyframework.train is stranger
    finally:
        toyframework.train = ours.__wrapped__


def test_a_strangers_earlier_patch_is_what_is_put_back(toy, record):
    """It goes on being called while we record."""
    plain, heard = toyframework.train, []

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        yield

    def stranger(*args, **kwargs):
        heard.append(args)
        return plain(*args, **kwargs)

    try:
        toyframework.train = stranger
        toy.switch()
        toyframework.train({}, DATA)
        assert (len(heard), len(record.runs)) == (1, 1)
        toy.disable()
        assert toyframework.train is stranger
    finally:
        toyframework.train = plain


def test_a_method_is_patched_where_it_is_named_even_if_inherited(toy, record):
    """The subclass alone is recorded, and is as it was afterwards."""

    @toy.hook("toyframework:Slow.advance")
    def advance(call):
        call.run.params({})
        yield

    toy.switch()
    toyframework.Model().advance(DATA)
    assert record.runs == []
    toyframework.Slow().advance(DATA)
    assert len(record.runs) == 1
    toy.disable()
    assert "advance" not in vars(toyframework.Slow)


def test_patched_callables_are_pickled_as_what_they_stand_for(fired):
    """By name; the bytes name neither us nor our wrapper, and load to what is patched there."""
    model = toyframework.Model()
    callables = (
        toyframework.train, toyframework.Model.fit, model.fit, toyframework.Model.default, toyframework.Model.average,
    )  # fmt: skip
    for dumps in (pickle.dumps, cloudpickle.dumps):
        for function in callables:
            data = dumps(function)
            assert not names_us(data)
            assert pickle.loads(data).__qualname__ == function.__qualname__
    assert pickle.loads(pickle.dumps(toyframework.train)) is toyframework.train


def test_a_pickle_made_under_recording_loads_where_autotrack_is_not(fired, tmp_path):
    """Of functions, of bound methods, of fitted models and of classes."""
    model = toyframework.Model().fit(DATA)
    (tmp_path / "made.pickle").write_bytes(
        pickle.dumps([toyframework.train, toyframework.Model.fit, model.fit, model, toyframework.Model])
    )
    told = fresh(
        "import pickle, sys\n"
        "sys.modules['autotrack'] = sys.modules['wrapt'] = None\n"
        "train, fit, bound, model, cls = pickle.load(open('made.pickle', 'rb'))\n"
        "print(train({}, (2.0,)).mean, fit(cls(), (2.0,)).mean, bound((2.0,)).mean, model.mean)",
        directory=tmp_path,
    )
    assert told.split() == ["1.75", "1.75", "1.96875", "1.96875"]


def test_copies_of_patched_callables_still_record(fired, record):
    """A deep copy of an object that holds a bound method is bound to the copied object."""
    model = toyframework.Model()
    assert copy.copy(toyframework.train) is toyframework.train
    assert copy.deepcopy(toyframework.train) is toyframework.train
    twin, fit = copy.deepcopy((model, model.fit))
    assert fit(DATA) is twin
    assert twin.losses != model.losses
    assert fired() == 1


def test_a_bound_method_taken_before_records_afterwards_or_not_at_all(toy, record):
    """What the program held on to is the framework's own, before and after."""
    early = toyframework.Model().fit

    @toy.hook("toyframework:Model.fit")
    def fit(call):
        call.run.params({})
        yield

    toy.switch()
    late = toyframework.Model().fit
    early(DATA)
    assert record.runs == []
    toy.disable()
    late(DATA)
    assert record.runs == []


@pytest.mark.lenient
def test_a_target_that_is_not_there_costs_one_warning_and_that_hook_alone(toy, record):
    """The other hooks are in place; the report says why this one is not."""

    @toy.hook("toyframework:Model.refit")
    def refit(call):
        yield

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params({})
        yield

    with said() as lines:
        toy.switch()
        toyframework.train({}, DATA)
    assert len(lines) == 1
    assert "toyframework:Model.refit cannot be recorded" in lines[0]
    assert len(record.runs) == 1
    assert toy.hooks[0].states["toyframework:Model.refit"].startswith("skipped: ")
    assert toy.hooks[1].states == {"toyframework:train": "installed"}


@pytest.mark.lenient
@pytest.mark.parametrize(("supports", "patched"), [(">=2", False), (">=0.1,<0.5", True), (">=0.1", True)])
def test_an_older_version_is_left_alone_and_a_newer_one_tried(toy, monkeypatch, supports, patched):
    """Outside the range is one warning."""
    monkeypatch.setattr("autotrack._versions.installed", lambda _name: "1.0")
    toy.supports = supports

    @toy.hook("toyframework:train", "toyframework:Model.fit")
    def train(call):
        yield

    with said() as lines:
        toy.switch()
    assert is_ours(toyframework.train) == is_ours(vars(toyframework.Model)["fit"]) == patched
    assert len(lines) == (0 if supports == ">=0.1" else 1)


def test_nothing_is_imported_for_its_own_sake(toy, tmp_path):
    """A framework that the program never imports stays unimported; one imported later is hooked then."""
    told = fresh(
        "import sys\n"
        "from autotrack.hooks import Integration\n"
        "toy = Integration('toy')\n"
        "@toy.hook('toyframework:train')\n"
        "def train(call):\n"
        "    yield\n"
        "toy.switch()\n"
        "print('toyframework' in sys.modules, 'wrapt' in sys.modules, toy.hooks[0].states)\n"
        "import toyframework\n"
        "print(toyframework.__spec__.loader.__class__.__name__, 'exec_module' in vars(toyframework.__loader__))\n"
        "toyframework.train({}, (1.0,))\n"
        "print(toy.hooks[0].fired)\n",
        directory=tmp_path,
    )
    assert told.splitlines() == [
        "False False {'toyframework:train': 'waiting for the import'}", "SourceFileLoader False", "1",
    ]  # fmt: skip


def test_a_module_that_fails_to_import_may_be_imported_again(toy, tmp_path, monkeypatch):
    """Its own error reaches the program; the hook goes in when an import succeeds."""
    (tmp_path / "fragile.py").write_text("import os\nif 'READY' not in os.environ:\n    1 / 0\ndef train(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "fragile", raising=False)

    @toy.hook("fragile:train")
    def train(call):
        yield

    toy.switch()
    with pytest.raises(ZeroDivisionError):
        import fragile
    monkeypatch.setenv("READY", "1")
    import fragile

    assert fragile.train() == 1
    assert toy.hooks[0].fired == 1


def test_a_half_imported_module_is_hooked_when_it_is_complete(toy, tmp_path, monkeypatch):
    """Switching on from within a framework's own import waits for its end."""
    (tmp_path / "circular.py").write_text("import switching\ndef train(): return 1\n")
    (tmp_path / "switching.py").write_text("from autotrack.hooks import known\nknown['toy'].enable()\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    @toy.hook("circular:train")
    def train(call):
        yield

    monkeypatch.setitem(hooks.known, "toy", toy)
    import circular

    assert circular.train() == 1
    assert toy.hooks[0].fired == 1


def test_a_module_may_be_hooked_as_soon_as_it_is_there(toy, tmp_path, monkeypatch):
    """What is switched on by the import of a framework hooks that very module too."""
    (tmp_path / "awaited.py").write_text("def train(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    @toy.hook("awaited:train")
    def train(call):
        yield

    _watch.when_imported("awaited", lambda _module: toy.enable())
    import awaited

    assert awaited.train() == 1
    assert toy.hooks[0].fired == 1
    assert type(awaited.__spec__) is ModuleSpec


def test_a_name_taken_over_from_a_patched_module_is_the_same_wrapper(toy, tmp_path, monkeypatch):
    """A package whose `__init__` imports what has been patched by then records each call once, and is put back."""
    (tmp_path / "layered").mkdir()
    (tmp_path / "layered" / "__init__.py").write_text("from layered.inner import train\n")
    (tmp_path / "layered" / "inner.py").write_text("def train(): return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    @toy.hook("layered.inner:train", "layered:train", joins=True)
    def train(call):
        yield

    toy.switch()
    import layered

    assert layered.train is layered.inner.train
    assert layered.train() == 1
    assert toy.hooks[0].fired == 1
    toy.disable()
    assert layered.train is layered.inner.train
    assert not is_ours(layered.train)


def test_on_start_is_called_once_the_framework_is_there_and_undone_at_the_end(toy):
    """For frameworks that have hooks of their own."""
    seen = []

    @toy.on_start("toyframework")
    def start():
        seen.append("on")
        return lambda: seen.append("off")

    toy.switch()
    toy.switch()
    toy.disable()
    assert seen == ["on", "off"]
