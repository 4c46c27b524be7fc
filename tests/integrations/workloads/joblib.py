"""Programs that use joblib: of scikit-learn's accord inside a fit, and of their own."""

from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.neighbors import KNeighborsClassifier

FLOWERS = load_iris(return_X_y=True)
ERROR = ValueError("mine")


def half(value):
    return value / 2


def workload():
    bagging = BaggingClassifier(KNeighborsClassifier(), 4, random_state=0, n_jobs=2).fit(*FLOWERS)
    halves = Parallel(n_jobs=2, backend="threading")(delayed(half)(value) for value in range(4))
    return bagging.predict(FLOWERS[0]), halves


class Failing(ClassifierMixin, BaseEstimator):
    """An estimator of the user's own that fails."""

    def fit(self, data, targets):
        raise ERROR

    def predict(self, data):
        raise ERROR


def failing_workload():
    BaggingClassifier(Failing(), 4, n_jobs=1).fit(*FLOWERS)


def fitted():
    return KNeighborsClassifier(algorithm="brute").fit(*FLOWERS)  # a tree counts its queries


def parallel_workload(jobs):
    return BaggingClassifier(KNeighborsClassifier(), 4, random_state=0, n_jobs=jobs).fit(*FLOWERS).predict(FLOWERS[0])
