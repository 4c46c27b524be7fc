"""When runs were, how long they took, and conditions joined."""

# ruff: noqa: E501, SIM201 - a question and its meaning stand on one line; of what is missing not even != is true

from __future__ import annotations

from datetime import datetime

from corpus.runs import DAY, HOUR, MARCH, MINUTE, NOW, among, found, like, there


def local(text: str) -> int:
    """A moment in the time zone of this process, in ms."""
    return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)


TIMES = [
    (f"start_time = {MARCH}", lambda r: r.start == MARCH),
    (f"start_time > {MARCH + DAY}", lambda r: r.start > MARCH + DAY),
    (f"attributes.start_time <= {MARCH + 2 * HOUR}", lambda r: r.start <= MARCH + 2 * HOUR),
    (f"created < {MARCH + 2 * HOUR}", lambda r: r.start < MARCH + 2 * HOUR),
    (f"start_time BETWEEN {MARCH} AND {MARCH + 3 * HOUR}", lambda r: MARCH <= r.start <= MARCH + 3 * HOUR),
    (f"start_time IN ({MARCH}, {MARCH + DAY})", lambda r: r.start in (MARCH, MARCH + DAY)),
    ("start_time >= '2026-03-16T00:00Z'", lambda r: r.start >= MARCH + DAY),
    ("start_time < '2026-03-15 03:00Z'", lambda r: r.start < MARCH + 3 * HOUR),
    ("start_time <= '2026-03-15 03:00Z'", lambda r: r.start < MARCH + 3 * HOUR + MINUTE),
    ("start_time > '2026-03-15T10:00:00+00:00'", lambda r: r.start >= MARCH + 10 * HOUR + 1000),
    ("start_time = '2026-03-15T02:00:00.000Z'", lambda r: r.start == MARCH + 2 * HOUR),
    ("start_time = '2026-03-15T04:00+02:00'", lambda r: MARCH + 2 * HOUR <= r.start < MARCH + 2 * HOUR + MINUTE),
    ("start_time != '2026-03-15T02:00Z'", lambda r: not MARCH + 2 * HOUR <= r.start < MARCH + 2 * HOUR + MINUTE),
    ("start_time = '2026-03-15Z'", lambda r: MARCH <= r.start < MARCH + DAY),
    ("start_time = '2026-03-15'", lambda r: local("2026-03-15") <= r.start < local("2026-03-16")),
    ("start_time > '2026-03-15'", lambda r: r.start >= local("2026-03-16")),
    ("start_time < '2026-03-18 00:30'", lambda r: r.start < local("2026-03-18 00:30")),
    ("start_time IN '2026-03Z'", lambda r: MARCH - 14 * DAY <= r.start < MARCH + 17 * DAY),
    ("start_time NOT IN '2026-03Z'", lambda r: not MARCH - 14 * DAY <= r.start < MARCH + 17 * DAY),
    ("start_time = '2025'", lambda r: local("2025-01-01") <= r.start < local("2026-01-01")),
    ("start_time = 'last 7 days'", lambda r: NOW - 7 * DAY <= r.start <= NOW),
    ("start_time IN 'last 7 days'", lambda r: NOW - 7 * DAY <= r.start <= NOW),
    ("start_time IN 'last week'", lambda r: NOW - 7 * DAY <= r.start <= NOW),
    ("start_time IN 'in the last 30 days'", lambda r: NOW - 30 * DAY <= r.start <= NOW),
    ("start_time NOT IN 'past 30 days'", lambda r: not NOW - 30 * DAY <= r.start <= NOW),
    ("start_time > '3 days ago'", lambda r: r.start > NOW - 3 * DAY),
    ("start_time < '1.5 weeks ago'", lambda r: r.start < NOW - 10.5 * DAY),
    ("start_time >= '2 months ago'", lambda r: r.start >= NOW - 60 * DAY),
    ("start_time < 'now'", lambda r: r.start < NOW + 1),
    ("start_time > 'now'", lambda r: r.start > NOW + DAY),
    ("start_time < 'yesterday'", lambda r: r.start <= NOW - 2 * DAY),
    ("start_time = 'Today'", lambda _r: False),
    (f"end_time > {MARCH + DAY}", lambda r: r.end > MARCH + DAY),
    ("end_time IS NULL", lambda r: not there(r.end)),
    ("end_time IS NOT NULL AND status != 'FINISHED'", lambda r: there(r.end) and r.status != "FINISHED"),
    ("end_time < '2026-03-15T02:00Z'", lambda r: r.end < MARCH + 2 * HOUR),
    ("end_time IN 'last 1 day'", lambda r: NOW - DAY <= r.end <= NOW),
    ("start_time > '2026-03-15T02:00Z' AND end_time < '2026-03-15T09:00Z'", lambda r: r.start >= MARCH + 2 * HOUR + MINUTE and r.end < MARCH + 9 * HOUR),
]  # fmt: skip

LENGTHS = [
    ("duration > 3600", lambda r: r.seconds > 3600),
    ("duration <= 600", lambda r: r.seconds <= 600),
    ("duration = 60", lambda r: r.seconds == 60),
    ("duration = 1.5", lambda r: r.seconds == 1.5),
    ("duration = 0", lambda r: r.seconds == 0),
    ("duration < '90 s'", lambda r: r.seconds < 90),
    ("duration <= '90 s'", lambda r: r.seconds <= 90),
    ("duration >= '1.5 hours'", lambda r: r.seconds >= 5400),
    ("duration > '1 day'", lambda r: r.seconds > 86400),
    ("duration = '1 min'", lambda r: r.seconds == 60),
    ("duration < '1500 ms'", lambda r: r.seconds < 1.5),
    ("attributes.duration BETWEEN 60 AND 1200", lambda r: 60 <= r.seconds <= 1200),
    ("duration NOT BETWEEN 60 AND 1200", lambda r: there(r.seconds) and not 60 <= r.seconds <= 1200),
    ("duration IN (60, 90)", lambda r: among(r.seconds, 60, 90)),
    ("duration IS NULL", lambda r: not there(r.seconds)),
    ("duration > '1 h' AND status = 'FINISHED'", lambda r: r.seconds > 3600 and r.status == "FINISHED"),
]  # fmt: skip

JOINED = [
    ("params.optimizer = 'adam' AND metrics.val/loss < 0.8", lambda r: r.p("optimizer") == "adam" and r.m("val/loss") < 0.8),
    ("params.optimizer = 'adam' OR metrics.val/loss < 0.5", lambda r: r.p("optimizer") == "adam" or r.m("val/loss") < 0.5),
    ("NOT params.optimizer = 'adam'", lambda r: not r.p("optimizer") == "adam"),
    ("NOT (params.optimizer = 'adam')", lambda r: not r.p("optimizer") == "adam"),
    ("NOT NOT params.optimizer = 'adam'", lambda r: r.p("optimizer") == "adam"),
    ("not status = 'FINISHED' and params.lr > 0", lambda r: r.status != "FINISHED" and r.n("lr") > 0),
    ("not (status = 'FINISHED' and params.lr > 0)", lambda r: not (r.status == "FINISHED" and r.n("lr") > 0)),
    ("status = 'FAILED' OR status = 'KILLED' AND params.lr < 0", lambda r: r.status == "FAILED" or (r.status == "KILLED" and r.n("lr") < 0)),
    ("(status = 'FAILED' OR status = 'KILLED') AND params.lr < 0", lambda r: r.status in ("FAILED", "KILLED") and r.n("lr") < 0),
    ("params.lr < 0 AND (status = 'FAILED' OR status = 'KILLED')", lambda r: r.status in ("FAILED", "KILLED") and r.n("lr") < 0),
    ("((((status = 'FAILED'))))", lambda r: r.status == "FAILED"),
    ("(status = 'FAILED') OR (user_id = 'ci')", lambda r: r.status == "FAILED" or r.user == "ci"),
    ("status = 'FAILED' OR user_id = 'ci' OR tags.team = 'nlp'", lambda r: r.status == "FAILED" or r.user == "ci" or r.t("team") == "nlp"),
    ("status = 'FAILED' AND user_id = 'ci' AND tags.ci = 'no'", lambda r: r.status == "FAILED" and r.user == "ci" and r.t("ci") == "no"),
    ("tags.team = 'vision' AND NOT params.optimizer = 'adam'", lambda r: r.t("team") == "vision" and not r.p("optimizer") == "adam"),
    ("NOT tags.team = 'vision' AND NOT tags.team = 'speech'", lambda r: not r.t("team") == "vision" and not r.t("team") == "speech"),
    ("NOT (tags.team = 'vision' OR tags.team = 'speech')", lambda r: not among(r.t("team"), "vision", "speech")),
    ("NOT tags.team IN ('vision', 'speech')", lambda r: not among(r.t("team"), "vision", "speech")),
    ("NOT metrics.val/loss < 0.5", lambda r: not r.m("val/loss") < 0.5),
    ("NOT metrics.val/loss IS NULL", lambda r: there(r.m("val/loss"))),
    ("NOT params.optimizer LIKE '%s%' AND params.optimizer IS NOT NULL", lambda r: there(r.p("optimizer")) and not like(r.p("optimizer"), "%s%")),
    ("metrics.val/loss > 0.5 AND metrics.val/loss < 0.7 AND params.lr >= 0.1", lambda r: 0.5 < r.m("val/loss") < 0.7 and r.n("lr") >= 0.1),
    ("metrics.val/loss < 0.5 OR metrics.val/accuracy > 0.85 OR best(rmse) < 2.6", lambda r: r.m("val/loss") < 0.5 or r.m("val/accuracy") > 0.85 or r.low("rmse") < 2.6),
    ("(params.optimizer = 'adam' OR params.optimizer = 'sgd') AND (params.lr = 0.1 OR params.lr = 1)", lambda r: among(r.p("optimizer"), "adam", "sgd") and among(r.n("lr"), 0.1, 1)),
    ("params.optimizer IN ('adam', 'sgd') AND params.lr IN (0.1, 1)", lambda r: among(r.p("optimizer"), "adam", "sgd") and among(r.n("lr"), 0.1, 1)),
    ("params.optimizer = 'adam' AND params.optimizer = 'sgd'", lambda _r: False),
    ("params.optimizer = 'adam' OR NOT params.optimizer = 'adam'", lambda _r: True),
    ("user_id = 'ada' AND (tags.team = 'nlp' OR (params.optimizer = 'sgd' AND NOT params.lr > 0.01))", lambda r: r.user == "ada" and (r.t("team") == "nlp" or (r.p("optimizer") == "sgd" and not r.n("lr") > 0.01))),
    ("dataset.name = 'digits' AND NOT dataset.context = 'eval' AND best(val/loss) < 0.7", lambda r: "digits" in r.names and "eval" not in r.contexts and r.low("val/loss") < 0.7),
    ("status = 'FINISHED' AND duration < '1 hour' AND start_time < '2026-03-15T04:00Z'", lambda r: r.status == "FINISHED" and r.seconds < 3600 and r.start < MARCH + 4 * HOUR),
    ("run_name LIKE 'adam%' AND best(val/accuracy) >= 0.65", lambda r: like(r.name, "adam%") and r.high("val/accuracy") >= 0.65),
    ("run_name RLIKE '^(adam|sgd) ' AND tags.team RLIKE 'ch$'", lambda r: found(r.name, "^(adam|sgd) ") and found(r.t("team"), "ch$")),
    ("params.lr IS NULL AND metrics.rmse IS NULL", lambda r: not there(r.p("lr")) and not there(r.m("rmse"))),
    ("params.lr IS NULL OR metrics.val/loss IS NULL", lambda r: not there(r.p("lr")) or not there(r.m("val/loss"))),
    ("NOT (params.lr IS NULL OR metrics.val/loss IS NULL)", lambda r: there(r.p("lr")) and there(r.m("val/loss"))),
    ("", lambda _r: True),
]  # fmt: skip

ORDERS = [
    ("", ["metrics.val/loss ASC"], [(lambda r: r.m("val/loss"), False)]),
    ("", ["metrics.val/loss DESC"], [(lambda r: r.m("val/loss"), True)]),
    ("", ["best(val/loss)"], [(lambda r: r.low("val/loss"), False)]),
    ("", ["best(val/accuracy) DESC"], [(lambda r: r.high("val/accuracy"), True)]),
    ("", ["mean(val/loss)", "run_name"], [(lambda r: r.mean("val/loss"), False), (lambda r: r.name, False)]),
    ("", ["count(val/loss) DESC", "first(val/loss)"], [(lambda r: r.count("val/loss"), True), (lambda r: r.first("val/loss"), False)]),
    ("", ["number(lr)"], [(lambda r: r.n("lr"), False)]),
    ("", ["number(lr) DESC", "params.optimizer"], [(lambda r: r.n("lr"), True), (lambda r: r.p("optimizer"), False)]),
    ("", ["params.optimizer", "number(layers) DESC"], [(lambda r: r.p("optimizer"), False), (lambda r: r.n("layers"), True)]),
    ("", ["params.lr"], [(lambda r: r.p("lr"), False)]),
    ("", ["tags.team", "start_time"], [(lambda r: r.t("team"), False), (lambda r: r.start, False)]),
    ("", ["tags.équipe DESC"], [(lambda r: r.t("équipe"), True)]),
    ("", ["status", "duration DESC"], [(lambda r: r.status, False), (lambda r: r.seconds, True)]),
    ("", ["duration"], [(lambda r: r.seconds, False)]),
    ("", ["end_time DESC"], [(lambda r: r.end, True)]),
    ("", ["user_id desc", "run_name asc"], [(lambda r: r.user, True), (lambda r: r.name, False)]),
    ("", ["commit", "best(val/loss) DESC"], [(lambda r: r.t("mlflow.source.git.commit"), False), (lambda r: r.low("val/loss"), True)]),
    ("", [], []),
    ("status = 'FINISHED'", ["metrics.val/loss"], [(lambda r: r.m("val/loss"), False)]),
    ("params.lr > 0.01", ["params.optimizer DESC", "metrics.val/loss"], [(lambda r: r.p("optimizer"), True), (lambda r: r.m("val/loss"), False)]),
    ("tags.team = 'vision' OR user_id = 'ci'", ["start_time"], [(lambda r: r.start, False)]),
    ("start_time IN 'last 60 days'", ["best(rmse)"], [(lambda r: r.low("rmse"), False)]),
]  # fmt: skip
"""A filter, an order, and for each of its terms the value and whether it descends."""
