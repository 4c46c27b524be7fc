"""Programs that use scikit-learn: every kind of estimator that is recorded, in plain user code."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import f1_score, get_scorer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FLOWERS = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
TUMOURS = load_breast_cancer(return_X_y=True)
ERROR = ValueError("mine")


class Nearest(ClassifierMixin, BaseEstimator):
    """A classifier of the user's own; it draws from numpy's global generator whenever it predicts."""

    def fit(self, data, target):
        self.classes_, codes = np.unique(target, return_inverse=True)
        self.centres_ = np.stack([data[codes == code].mean(0) for code in range(len(self.classes_))])
        return self

    def predict(self, data):
        noise = np.random.normal(scale=1e-9, size=(len(data), len(self.centres_)))
        distances = ((data[:, None] - self.centres_[None]) ** 2).sum(2)
        return self.classes_[(distances + noise).argmin(1)]


class Failing(ClassifierMixin, BaseEstimator):
    """An estimator of the user's own that fails."""

    def fit(self, data, target):
        raise ERROR


def workload():
    data, target = FLOWERS
    weights = np.linspace(0.5, 1.5, len(target))
    names = np.array(["setosa", "versicolor", "virginica"])[target]
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=2.0)).fit(data, names)
    forest = RandomForestClassifier(5, random_state=0).fit(data, target, sample_weight=weights)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(*PATIENTS)
    scores = cross_val_score(Ridge(), *PATIENTS, cv=2)
    online = SGDClassifier(random_state=0)
    for batch in (slice(0, None, 2), slice(1, None, 2)):
        online.partial_fit(data[batch], target[batch], classes=[0, 1, 2])
    neighbours = KNeighborsRegressor(algorithm="brute").fit(*PATIENTS)  # a tree would count its queries
    mixture = GaussianMixture(3, random_state=0).fit_predict(data)
    clusters = KMeans(3, random_state=0, n_init=1).fit(data)
    scaled = StandardScaler().fit_transform(TUMOURS[0])
    nearest = Nearest().fit(scaled, TUMOURS[1])
    later = f1_score(target, forest.predict(data), average="macro"), get_scorer("r2")(search, *PATIENTS)
    return (
        later,
        pipeline.predict_proba(data), forest.predict_proba(data), search.predict(PATIENTS[0]), search.best_params_,
        neighbours.predict(PATIENTS[0]), mixture, clusters.labels_, nearest.centres_, neighbours.score(*PATIENTS),
        scores, online.coef_,
    )  # fmt: skip


def failing_workload():
    make_pipeline(StandardScaler(), Failing()).fit(*FLOWERS)


def fitted():
    data, target = FLOWERS
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(data, target), Nearest().fit(data, target)


def parallel_workload(jobs):
    data, target = FLOWERS
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.5, 1.0]}, cv=2, n_jobs=jobs).fit(data, target)
    return search.predict(data)
