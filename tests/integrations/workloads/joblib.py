"""Programs that use joblib: of scikit-learn's accord inside a fit, and of their own."""

from joblib import Parallel, delayed
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.neighbors import KNeighborsClassifier

FLOWERS = load_iris(return_X_y=True)
ERROR = ValueError("mine")


def half(value):
    return value / 2


def fail(value):
    raise ERROR


def workload():
    bagging = BaggingClassifier(KNeighborsClassifier(), 4, random_state=0, n_jobs=2).fit(*FLOWERS)
    halves = Parallel(n_jobs=2, backend="threading")(delayed(half)(value) for value in range(4))
    return bagging.predict(FLOWERS[0]), halves


def failing_workload():
    Parallel(n_jobs=1)(delayed(fail)(value) for value in range(4))


def fitted():
    return KNeighborsClassifier().fit(*FLOWERS)


def parallel_workload(jobs):
    return BaggingClassifier(KNeighborsClassifier(), 4, random_state=0, n_jobs=jobs).fit(*FLOWERS).predict(FLOWERS[0])
