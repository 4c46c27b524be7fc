"""Hooks on a base class reach every class below it, those there are and those to come."""

# ruff: noqa: ARG005 - estimators take data that these tests do not look at

import gc
import weakref

import pytest
import toyframework

from autotrack._patch import is_ours

DATA = (1.0, 2.0, 3.0)


@pytest.fixture
def fits(toy):
    """The classes of the instances whose fit was recorded."""
    seen = []

    @toy.hook_subclasses("toyframework:Model", "fit", unless=lambda cls: getattr(cls, "hidden", False))
    def fit(call):
        seen.append(type(call.instance).__name__)
        yield

    toy.switch()
    return seen


def test_existing_and_future_subclasses_are_recorded(fits):
    """Also a subclass of one that was defined later."""

    class Later(toyframework.Model):
        def fit(self, data):
            return super().fit(data)

    class Heir(Later):
        def fit(self, data):
            return super().fit(data)

    for cls in (toyframework.Model, toyframework.Slow, Later, Heir):
        cls().fit(DATA)
    assert fits == ["Model", "Slow", "Later", "Heir"]


def test_a_class_that_inherits_its_fit_is_not_touched(fits):
    """The inherited method is patched already."""

    class Plain(toyframework.Model):
        pass

    Plain().fit(DATA)
    assert fits == ["Plain"]
    assert "fit" not in vars(Plain)


def test_a_class_that_asks_for_it_is_left_alone(fits):
    """`unless` is asked of every class."""

    class Hidden(toyframework.Model):
        hidden = True

        def fit(self, data):
            self.mean = 1.0

    Hidden().fit(DATA)
    assert fits == []


def test_a_property_in_the_methods_place_is_left_alone(fits):
    """It is how a class says that it has no such method."""

    class Without(toyframework.Model):
        @property
        def fit(self):
            raise AttributeError("no fit here")

    assert isinstance(vars(Without)["fit"], property)
    assert not hasattr(Without(), "fit")


def test_classes_of_another_integrations_framework_are_left_to_it(toy):
    """Of an estimator of XGBoost's, scikit-learn's integration records nothing."""
    seen = []

    @toy.hook_subclasses("toyframework:Model", "fit")
    def fit(call):
        seen.append(type(call.instance).__name__)
        yield

    toy.others = frozenset({"otherframework"})
    toy.switch()
    other = type(
        "Other", (toyframework.Model,), {"__module__": "otherframework.sub", "fit": lambda self, data: "fitted"}
    )
    assert other().fit(DATA) == "fitted"
    assert seen == []


def test_a_class_with_its_own_init_subclass_still_gets_its_arguments(fits):
    """Keyword arguments of a class statement reach the class's own `__init_subclass__`."""
    heard = []

    class Asking(toyframework.Model):
        def __init_subclass__(cls, flavour=None, **rest):
            super().__init_subclass__(**rest)
            heard.append((cls.__name__, flavour))

    class Answer(Asking, flavour="sweet"):
        def fit(self, data):
            return self

    Answer().fit(DATA)
    assert heard == [("Answer", "sweet")]
    assert fits == ["Answer"]


def test_disabling_puts_the_very_methods_back(toy, fits):
    """Also on classes defined meanwhile; and classes defined afterwards are not touched."""

    def own(self, data):
        return self

    later = type("Later", (toyframework.Model,), {"fit": own})
    assert is_ours(vars(later)["fit"])
    toy.disable()
    after = type("After", (toyframework.Model,), {"fit": own})
    assert vars(later)["fit"] is vars(after)["fit"] is own
    assert not any(is_ours(vars(cls)["fit"]) for cls in (toyframework.Model, toyframework.Slow))
    assert "__init_subclass__" not in vars(toyframework.Model)


def test_a_recorded_class_can_be_forgotten(fits):
    """A class defined in a function is freed when the program lets it go."""

    def define():
        class Passing(toyframework.Model):
            def fit(self, data):
                return self

        Passing().fit(DATA)
        return weakref.ref(Passing)

    passing = define()
    gc.collect()
    assert passing() is None
