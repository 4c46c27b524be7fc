"""Which parameters mattered: planted ones are found, with interactions, conditions, gaps and noise."""

import math
import random

import optuna
import pytest

from autotrack.analysis.importance import importance
from autotrack.exceptions import AutotrackException


def study(number, runs, draw, score, noise=0.05):
    """``(parameters, value)`` of each run, the parameters drawn at random as text."""
    chance = random.Random(number)
    points = [draw(chance) for _ in range(runs)]
    values = [score(point) + chance.gauss(0, noise) for point in points]
    return [{key: str(value) for key, value in point.items() if value is not None} for point in points], values


def uniform(chance, *names):
    return {name: chance.random() for name in names}


def with_choice(chance, options, *names):
    return uniform(chance, *names) | {"kind": chance.choice(options)}


def conditional(chance):
    kernel = chance.choice(["rbf", "linear"])
    found = {"kernel": kernel, "C": 10 ** chance.uniform(-3, 3), "noise": chance.random()}
    return found | ({"gamma": 10 ** chance.uniform(-4, 0)} if kernel == "rbf" else {})


STUDIES = {
    "one of five": (120, lambda c: uniform(c, "a", "b", "c", "d", "e"), lambda p: 3 * p["a"], ["a"]),
    "two, one twice the other": (150, lambda c: uniform(c, "a", "b", "c", "d"), lambda p: 2 * p["a"] + p["b"],
                                 ["a", "b"]),
    "not monotone": (150, lambda c: uniform(c, "a", "b", "c"), lambda p: -8 * (p["a"] - 0.5) ** 2 + 0.4 * p["b"],
                     ["a", "b"]),
    "on a logarithmic scale": (
        150, lambda c: {"lr": 10 ** c.uniform(-5, 0), "momentum": c.random(), "seed": c.randrange(1000)},
        lambda p: -abs(math.log10(p["lr"]) + 2) + 0.3 * p["momentum"], ["lr", "momentum"],
    ),
    "a text": (150, lambda c: with_choice(c, ["adam", "sgd", "lbfgs"], "a", "b"),
               lambda p: {"adam": 1.0, "sgd": 0.0, "lbfgs": -1.0}[p["kind"]] + 0.3 * p["a"], ["kind", "a"]),
    "a text of twelve values against one number": (
        200, lambda c: with_choice(c, [f"layer {n}" for n in range(12)], "a"), lambda p: 2 * p["a"], ["a"],
    ),
    "only together": (300, lambda c: uniform(c, "a", "b", "c", "d"),
                      lambda p: 4 * (p["a"] - 0.5) * (p["b"] - 0.5), [{"a", "b"}]),
    "under a condition": (300, conditional,
                          lambda p: 1.5 * (p["kernel"] == "rbf") - 0.4 * abs(math.log10(p.get("gamma", 0.01)) + 2),
                          ["kernel", "gamma"]),
    "a switch": (100, lambda c: {"bn": c.choice([True, False]), **uniform(c, "a", "b", "c")},
                 lambda p: float(p["bn"]) + 0.2 * p["a"], ["bn", "a"]),
    "much noise": (300, lambda c: uniform(c, *"abcdefgh"), lambda p: 1.2 * p["a"] + 0.8 * p["b"], ["a", "b"]),
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_what_was_planted_is_found_in_its_order(name):
    """By permutation and by share of variance alike, and what was not planted stays far below."""
    runs, draw, score, planted = STUDIES[name]
    found = importance("score", *study(sum(map(ord, name)), runs, draw, score, 0.3 if name == "much noise" else 0.05))
    names = [weight.parameter for weight in found.weights]
    for place, wanted in enumerate(planted):
        if isinstance(wanted, set):
            assert set(names[: len(wanted)]) == wanted
            assert set(found.pairs[0][:2]) == wanted
        else:
            assert names[place] == wanted
    count = sum(len(wanted) if isinstance(wanted, set) else 1 for wanted in planted)
    least = min(weight.permutation for weight in found.weights[:count])
    assert all(weight.permutation < least / 2 for weight in found.weights[count:])
    if name != "only together":
        by_share = sorted(found.weights, key=lambda weight: -weight.share)
        assert [weight.parameter for weight in by_share[:count]] == planted
    assert found.score > 0.3


@pytest.mark.parametrize("name", ["two, one twice the other", "not monotone", "a text", "a switch", "one of five"])
def test_optuna_says_the_same_of_the_same_data(name):
    """Its fANOVA and its mean decrease in impurity, over the trials of a study."""
    number, draw, score, _ = STUDIES[name]
    runs, values = study(1, number, draw, score)
    found = importance("score", runs, values)
    distributions = {
        weight.parameter: optuna.distributions.FloatDistribution(0, 1)
        if weight.numeric
        else optuna.distributions.CategoricalDistribution(sorted({run[weight.parameter] for run in runs}))
        for weight in found.weights
    }
    peers = optuna.create_study(direction="maximize")
    for run, value in zip(runs, values, strict=True):
        params = {key: float(run[key]) if one == distributions["a"] else run[key] for key, one in distributions.items()}
        peers.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
    for evaluator in (
        optuna.importance.FanovaImportanceEvaluator(seed=0),
        optuna.importance.MeanDecreaseImpurityImportanceEvaluator(seed=0),
    ):
        theirs = optuna.importance.get_param_importances(peers, evaluator=evaluator)
        important = [key for key, weight in theirs.items() if weight > 0.08]
        assert [weight.parameter for weight in found.weights[: len(important)]] == important
        shares = {weight.parameter: weight.share for weight in found.weights}
        assert shares[important[0]] / sum(shares.values()) == pytest.approx(theirs[important[0]], abs=0.12)


def test_uncertainty_shrinks_with_the_number_of_runs():
    """Ten runs say little, and say so."""
    _, draw, score, _ = STUDIES["two, one twice the other"]
    few, many = (importance("score", *study(3, runs, draw, score)) for runs in (12, 300))
    assert many.score > 0.9 > few.score
    assert many.weights[0].permutation_std < few.weights[0].permutation_std
    assert many.weights[0].share_std < few.weights[0].share_std
    assert (few.runs, many.runs) == (12, 300)


def test_what_explains_nothing_is_said_to_explain_nothing():
    """Noise has a score near zero, whatever the weights."""
    runs, values = study(5, 100, lambda c: uniform(c, "a", "b", "c"), lambda _: 0.0, 1.0)
    found = importance("score", runs, values)
    assert found.score < 0.1
    assert all(weight.permutation < 0.15 for weight in found.weights)


def test_the_plain_correlation_stands_beside():
    """Spearman's for numbers, with its sign; the correlation ratio for texts."""
    runs, values = study(
        2, 100, lambda c: with_choice(c, ["x", "y"], "up", "down"),
        lambda p: p["up"] ** 3 - p["down"] + (p["kind"] == "x"), 0.0,
    )  # fmt: skip
    found = {weight.parameter: weight for weight in importance("score", runs, values).weights}
    assert found["up"].correlation > 0.2
    assert found["down"].correlation < -0.2
    assert 0.5 < found["kind"].correlation < 1
    assert not found["kind"].numeric


def test_the_same_runs_give_the_same_answer_and_no_random_number_is_drawn():
    """The program's own generators go on as if nobody had asked."""
    import numpy as np

    _, draw, score, _ = STUDIES["a text"]
    data = study(1, 60, draw, score)
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tobytes()
    assert importance("score", *data) == importance("score", *data)
    assert before == (random.getstate(), np.random.get_state()[1].tobytes())


@pytest.mark.parametrize(
    ("runs", "values", "says"),
    [
        ([{"a": "1"}] * 5, [1.0] * 5, "5 runs"),
        ([{"a": str(n)} for n in range(9)], [math.nan, None, *[1.0] * 7], "7 runs"),
        ([{"a": "1"}] * 9, [float(n) for n in range(9)], "no parameter differs"),
        ([{"a": str(n)} for n in range(9)], [2.0] * 9, "is 2 in all"),
    ],
)
def test_what_cannot_be_said_is_an_error_that_says_why(runs, values, says):
    """Too few runs, nothing that differs."""
    with pytest.raises(AutotrackException, match=says):
        importance("score", runs, values)


def test_gaps_infinities_and_twins_are_taken():
    """A parameter that some runs lack, an infinite one, and two that always change together."""
    chance = random.Random(4)
    runs, values = [], []
    for n in range(80):
        a = chance.random()
        depth = None if n % 3 else "inf" if n % 2 else str(n % 5)
        runs.append({"a": str(a), "twin": str(a), **({"depth": depth} if depth else {})})
        values.append(a + (depth is None))
    found = importance("score", runs, values)
    assert [weight.parameter for weight in found.weights] == ["depth", "a"]
    assert found.weights[0].runs == 27
    assert found.weights[0].distinct == 7
