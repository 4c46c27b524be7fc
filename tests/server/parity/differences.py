"""Every difference between what MLflow's client sees of the two servers, each wanted, with its reason.

Besides these: what is empty may be left out of an answer, fields have no order, a page's token and a model's place are
the server's own affair, and a client that does not know its user leaves the tag ``mlflow.user`` with ``unknown``.
"""

from __future__ import annotations

_SAFER = "a name that is a path on some system is refused, not written somewhere"
_ODD = "a file may have any name but one that leads elsewhere"
_REFUSED = "what cannot be understood is the asker's mistake, neither a failure of the server nor nothing found"
_MORE = "more can be asked for"
_WHOLE = "a value is kept whole, or refused; never cut"
_TRUE = "what is not there is said not to be there"
_LIMITS = "the same limits hold wherever a key is given"
_OWN_IDS = "an experiment's id is any text"
_ENDLESS = "a run that is running again has no end"
_DOCUMENTED = "an example in MLflow's documentation finds what is said there, which its own server refuses or misses"
_TWO_USES = "a data set that a run used in two ways is two inputs"

_BY_REASON: dict[str, dict[str, tuple[str, ...]]] = {
    "an infinite value is infinite": {"infinite_values": ("value", "history")},
    _SAFER: {
        "the_proxy": (
            "GET ..%5Cx", "PUT ..%5Cx", "DELETE ..%5Cx", "GET %2Fetc%2Fpasswd", "PUT %2Fetc%2Fpasswd",
            "DELETE %2Fetc%2Fpasswd", "GET C%3A%5Cx", "PUT C%3A%5Cx", "DELETE C%3A%5Cx", "list out ..\\x",
        ),
    },
    _ODD: {"the_proxy": ("put odd", "get odd", "list ''", "list '/a b'")},
    _REFUSED: {
        "deleted_experiments": ("rename",),
        "refused_points": ("list",),
        "searched_logged_models": ("nonsense = 'x'", "name = x", "metrics.acc > 'x'", "bad token"),
        "stages": ("archive into none",),
        "searched_models": ("none",),
        "filters": ("metrics. > 1", "metrics.acc > 1 AND AND metrics.acc > 2"),
        "created_runs": ("no experiment",),
        "logged_models": ("params again",),
        "inputs_and_outputs": ("no name",),
        "batches": ("text", "nothing of the refused"),
    },
    _MORE: {
        "searched_experiments": ("attributes",),
        "histories_of_several_runs": ("not in the API",),
        "searched_logged_models": ("status = 'READY'", "attributes.status != 'READY'", "of its name", "metric.acc > 1"),
        "searched_models": ("by ['creation_timestamp ASC']",),
        "searched_versions": ("version = 1", "by ['run_id']"),
        "filters": (
            "METRICS.acc > 0", "params.lr = 0.1", "tags.stage IN ('a')", "params.lr IN ('0.1')", "status IN ('FAILED')",
            "metrics.acc IS NULL",
        ),
        "orders": ("by `Run Name` DESC",),
        "parameters": ("camel case",),
    },
    _DOCUMENTED: {
        "documented_searches_for_experiments": (
            "attributes.name = '{name}-x'", "attributes.name LIKE '{name}%'",
            "attributes.name LIKE '{name}%' AND tags.group = 'y'",
            "attributes.last_update_time >= 1 AND tags.group = 'x'",
        ),
        "documented_searches_for_logged_models": (
            'metrics."f1_score" > 0.88', "of ['test_dataset']", "of ['test_dataset', 'validation_dataset']",
        ),
    },
    _WHOLE: {"parameters": ("cut",), "tags": ("cut",)},
    _TRUE: {"histories_by_page": ("unknown run",), "aliases": ("missing",), "versions_of_logged_models": ("version",)},
    _LIMITS: {"logged_models": ("long key",), "created_runs": ("long tag",), "registered_models": ("name 'xxxxx'",)},
    _OWN_IDS: {"created_experiments": ("no id",), "created_runs": ("bad experiment",)},
    _ENDLESS: {"ended_runs": ("RUNNING", "SCHEDULED")},
    _TWO_USES: {"inputs_and_outputs": ("more tags", "summaries")},
    "a run that was deleted by itself does not come back with its experiment": {"deleted_experiments": ("runs back",)},
    "a point says what model and data it is about, in its history too": {"metrics_of_models": ("history", "raw")},
}  # fmt: skip

DIFFERENCES: dict[tuple[str, str], str] = {
    (case, label): reason for reason, cases in _BY_REASON.items() for case, labels in cases.items() for label in labels
}
"""By the case and the label of what it sees."""
