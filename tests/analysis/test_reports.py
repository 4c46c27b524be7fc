"""A report is one page that says what an experiment has found, whatever its runs are called."""

import math
import re
from dataclasses import fields
from pathlib import Path

import html5lib
import pytest
from typer.testing import CliRunner

import autotrack
from autotrack.analysis.reports import templates
from autotrack.analysis.reports.drawing import Axis, sparkline
from autotrack.analysis.reports.facts import Facts, Wanted, facts
from autotrack.analysis.reports.plan import Plan
from autotrack.cli.app import app
from autotrack.client import Client
from autotrack.exceptions import AutotrackException

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></svg><script>alert(2)</script>",
    "javascript:alert(3)",
    "{{ 7 * 7 }}{% raw %}",
    "| a | b |\n\n# head\n[x](javascript:alert(4))\n```\n<b>",
    "\x00\x1b[31m\u202e\ud800",
)
MAY_BE_LOADED = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href"}


def sweep(runs=12, name=lambda n: f"trial {n}", experiment="sweep", **params):
    """Runs whose loss follows their learning rate, three seeds of each."""
    autotrack.set_experiment(experiment)
    for n in range(runs):
        with autotrack.start_run(run_name=name(n)):
            autotrack.log_params({"lr": 0.1 * (n // 3 + 1), "seed": n % 3, **params})
            for step in range(5):
                autotrack.log_metric("val/loss", n // 3 + (n % 3) / 10 + 1 / (step + 1), step)


def command(*words):
    """What a command prints; its error is raised."""
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout_bytes.decode()


def page(text):
    """The tree of a page as a browser makes it."""
    return html5lib.parse(text, namespaceHTMLElements=False)


def words(tree):
    """What somebody reads."""
    return " ".join("".join(tree.find("body").itertext()).split())


def test_a_report_says_what_was_found(store):
    """The question, the best run, the table, curves, what mattered, and how to have it again."""
    sweep()
    autotrack.set_experiment_tags(
        {"autotrack.question": "Which rate?", "mlflow.note.content": "First.\n\nSecond.", "team": "blue"}
    )
    tree = page(command("report", "sweep", "-o", "-"))
    read = words(tree)
    best = autotrack.best_run("val/loss")
    assert tree.find("head/title").text == "sweep"
    for said in ("Which rate?", "Second.", "team blue", "lowest val/loss0.2", "trial 0", best.info.run_id, "12 runs"):
        assert said in read
    rows = tree.findall(".//table")[0].findall("tbody/tr")
    assert len(rows) == 12
    assert rows[0].find("td").text == "1"
    assert len(tree.findall(".//{http://www.w3.org/2000/svg}polyline")) == 8
    assert "What mattered for val/loss" in read
    assert "the parameters explain" in read
    assert "Over seeds" in read
    assert f"autotrack reproduce {best.info.run_id}" in read


def test_a_report_needs_no_host(store):
    """It loads nothing, and forbids itself to; it is small."""
    sweep(3)
    text = command("report", "sweep", "-o", "-")
    tree = page(text)
    assert [(one.tag, name) for one in tree.iter() for name in one.attrib if name in MAY_BE_LOADED] == []
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert len(text) < 60_000


def test_what_is_recorded_is_shown_as_it_is_and_does_nothing(store):
    """In names, parameters, tags, notes and filters, in HTML as in Markdown."""
    hostile = iter(HOSTILE * 20)
    autotrack.set_experiment("<script>e</script>'\"")
    autotrack.set_experiment_tags(
        {"autotrack.question": HOSTILE[0], "mlflow.note.content": "\n\n".join(HOSTILE[:7]), HOSTILE[1]: HOSTILE[2]}
    )
    for n in range(9):
        with autotrack.start_run(run_name=next(hostile), tags={next(hostile): next(hostile)}):
            autotrack.log_params({HOSTILE[n % 2]: next(hostile), 'x"y': next(hostile), "lr": n % 5})
            for step in range(3):
                autotrack.log_metric("val/<loss>", n % 5 + step, step)
                autotrack.log_metric("</svg><script>", step, step)
    before = set(text_of_own_page())
    text = command("report", "<script>e</script>'\"", "--where", "params.lr != '5<script>'", "-o", "-")
    found = page(text)
    assert {one.tag for one in found.iter()} <= before
    assert [name for one in found.iter() for name in one.attrib if name.startswith("on")] == []
    assert [one for one in found.iter() if "javascript:" in " ".join(one.attrib.values()) and one.tag == "a"] == []
    assert "<script>e</script>'\"" in words(found)
    assert "{{ 7 * 7 }}" in words(found)
    assert not re.search("[\x00\x1b\u202e]", text)
    marked = command("report", "<script>e</script>'\"", "--markdown", "-o", "-")
    outside = re.sub(r"^ *```sh\n.*?^ *```$", "", marked, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"<[a-z/!]", outside, re.IGNORECASE)
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert "```" not in outside
    assert [line for line in outside.splitlines() if line.startswith("# ")] == [outside.splitlines()[0]]


def text_of_own_page():
    """The elements of a page about harmless names."""
    sweep(9, experiment="harmless", opt="a")
    autotrack.set_experiment_tags({"autotrack.question": "q", "mlflow.note.content": "n", "a": "b"})
    return {one.tag for one in page(command("report", "harmless", "-o", "-")).iter()} | {"title"}


def test_a_team_has_templates_of_its_own(store, tmp_path):
    """A block of autotrack's page is replaced; found by name, by the experiment's tag, or for the whole project."""
    folder = tmp_path / "work" / "autotrack-templates"
    own = folder / "acme" / "report.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "autotrack/report.html.j2" %}{% block header %}<h1>ACME {{ experiment }}</h1>{% endblock %}'
    )
    sweep(2)
    for words_of in (["--template", "acme"], ["--template", str(own)], ["--template", str(own.parent)]):
        assert "<h1>ACME sweep</h1>" in command("report", "sweep", "-o", "-", *words_of)
    assert "ACME" not in command("report", "sweep", "-o", "-")
    autotrack.set_experiment_tag("autotrack.template", "acme")
    assert "ACME" in command("report", "sweep", "-o", "-")
    autotrack.set_experiment_tag("autotrack.template", str(own.parent))  # whoever set it knows nothing of this machine
    assert "ACME" not in command("report", "sweep", "-o", "-")
    (folder / "report.md.j2").write_text("{{ experiment }}: {{ runs }}\n")
    assert command("report", "sweep", "--markdown", "-o", "-") == "sweep: 2\n"
    with pytest.raises(AutotrackException, match="there are acme"):
        command("report", "sweep", "--template", "other")
    with pytest.raises(AutotrackException, match=r"'acme' has no report\.md\.j2"):
        command("report", "sweep", "--template", "acme", "--markdown")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ experiment.__class__.__mro__ }}", "line 1.*unsafe"),
        ("\n{{ ''.__class__ }}", "line 2.*unsafe"),
        ("\n\n{% for %}", "line 3"),
        ("{{ nothing }}", "nothing"),
        ("{% include '../../../etc/passwd' %}", "passwd"),
        ("{{ lines.append(1) }}", "unsafe"),
        ("{{ lines[0].run_id.format.__globals__ }}", "unsafe"),
    ],
)
def test_a_template_can_look_at_the_facts_and_do_nothing_else(store, tmp_path, text, says):
    """What it may not do, and what is wrong with it, is an error with the line."""
    sweep(1)
    file = tmp_path / "own.html.j2"
    file.write_text(text)
    with pytest.raises(AutotrackException, match=says):
        command("report", "sweep", "--template", str(file))


def test_a_report_of_little_says_so(store, tmp_path):
    """No run, no metric, one run: each is a page; what is not there is an error."""
    autotrack.set_experiment("empty")
    autotrack.set_experiment_tag("team", "blue")
    assert "No run yet." in words(page(command("report", "empty", "-o", "-")))
    autotrack.set_experiment("params only")
    with autotrack.start_run():
        autotrack.log_param("a", 1)
    assert "No run has a value" in words(page(command("report", "params only", "-o", "-")))
    sweep(1)
    assert command("report", "sweep").strip() == "sweep-report.html"
    assert "at least 8 are needed" in words(page((tmp_path / "work" / "sweep-report.html").read_text(encoding="utf-8")))
    with autotrack.start_run():
        autotrack.log_metric("val/loss", math.nan)
    with pytest.raises(AutotrackException, match="have: val/loss"):
        command("report", "sweep", "--metric", "accuracy")
    with pytest.raises(AutotrackException, match="there is no experiment 'swep'"):
        command("report", "swep")
    with pytest.raises(AutotrackException, match="cannot be written"):
        command("report", "sweep", "-o", str(tmp_path / "none" / "x.html"))


def test_runs_are_ranked_by_the_best_they_reached(store):
    """Either way round; NaN and runs without a value come last."""
    autotrack.set_experiment("ranked")
    for name, curve in {"late": [3.0, 1.0], "early": [0.5, 9.0], "nan": [math.nan], "none": []}.items():
        with autotrack.start_run(run_name=name):
            for step, value in enumerate(curve):
                autotrack.log_metric("loss", value, step)
    client = Client()
    found = facts(client, Wanted("ranked"))
    assert [(line.name, line.rank) for line in found.lines[:2]] == [("early", 1), ("late", 2)]
    assert {line.rank for line in found.lines[2:]} == {None}
    assert facts(client, Wanted("ranked", mode="max", metric="loss")).lines[0].name == "early"
    assert facts(client, Wanted("ranked", where="run_name = 'late'")).runs == 1


def test_a_long_curve_keeps_its_extremes_and_gaps(store):
    """A spike of one point in thousands is drawn."""
    autotrack.set_experiment("long")
    with autotrack.start_run():
        autotrack.log_metric("loss", math.inf, -1)
        values = [99.0 if step == 3_456 else 1.0 for step in range(8_000)]
        for step, value in enumerate(values):
            autotrack.log_metric("loss", value, step)
    [panel] = facts(Client(), Wanted("long")).panels
    points = panel.curves[0].points
    assert len(points) < 1000
    assert (3_456.0, 99.0) in points
    assert (points[0], points[-1]) == ((-1.0, None), (7_999.0, 1.0))
    assert sparkline([(0.0, 0.0), (1.0, None), (2.0, 1.0)]) == "▁█"


@pytest.mark.parametrize(
    "values", [(0.0, 1.0), (1e-300, 1e300), (-1.7e308, 1.7e308), (5.0, 5.0), (1.0, 1.0 + 1e-15), (1e-5, 0.3)]
)
@pytest.mark.parametrize("log", [False, True])
def test_an_axis_holds_any_range(values, log):
    """Its ticks are on it and few."""
    axis = Axis.around(values, 0.0, 100.0, log=log)
    assert all(-0.1 <= axis.at(value) <= 100.1 for value in values)
    ticks = axis.ticks(5)
    assert len(ticks) <= 12
    assert all(-0.6 <= axis.at(tick) <= 100.6 for tick in ticks)


def test_a_report_needs_jinja(store, monkeypatch):
    """What is missing is said with the remedy."""
    sweep(1)
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(AutotrackException, match=r"pip install 'autotrack-ml\[report\]'"):
        templates.rendered(templates.OWN / templates.HTML, facts(Client(), Wanted("sweep")), {})


TEMPLATE = """
question = "Does it \\"generalise\\"?"
notes = "One.\\n\\nTwo."
metric = "val/loss"
columns = ["metrics.val/loss", "params.lr"]
[tags]
team = "blue"
"""


def test_an_experiment_is_made_by_a_template(store, tmp_path):
    """In the store by its tags, in the project by a file from which another one can be made."""
    folder = tmp_path / "work" / "autotrack-templates" / "usual"
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text(TEMPLATE)
    assert "autotrack.set_experiment('first')" in command("init", "first", "--template", "usual")
    client = Client()
    tags = client.get_experiment_by_name("first").tags
    assert tags["autotrack.question"] == 'Does it "generalise"?'
    assert (tags["autotrack.objective"], tags["autotrack.template"], tags["team"]) == ("val/loss", "usual", "blue")
    command("init", "again", "--template", "autotrack-experiment.toml", "-o", "again.toml", "--question", "And now?")
    assert client.get_experiment_by_name("again").tags == {**tags, "autotrack.question": "And now?"}
    sweep(3, experiment="first", other=1)
    assert command("runs", "-e", "first").split("\n")[1].split() == [
        "run", "name", "status", "started", "took", "val/loss", "lr"
    ]  # fmt: skip
    read = words(page(command("report", "first", "-o", "-")))
    assert "Two." in read


def test_an_experiment_is_made_without_a_word(store, tmp_path, monkeypatch):
    """It is called as the directory; what templates there are is said, and what to do where it is there already."""
    (tmp_path / "work" / "autotrack-templates" / "usual").mkdir(parents=True)
    (tmp_path / "work" / "autotrack-templates" / "usual" / "experiment.toml").write_text(TEMPLATE)
    monkeypatch.setenv("COLUMNS", "200")
    said = command("init", "--list")
    assert [line.split()[0] for line in said.splitlines()[3:] if line.strip()] == ["usual", "ablation", "training"]
    assert Client().search_experiments(filter_string="name != 'Default'") == []
    assert "autotrack report work" in command("init")
    assert Client().get_experiment_by_name("work") is not None
    with pytest.raises(AutotrackException, match="give another file with --output"):
        command("init")
    with pytest.raises(AutotrackException, match="autotrack init NAME"):
        command("init", "-o", "other.toml")
    with pytest.raises(AutotrackException, match=r"there are usual, ablation, training \(autotrack init --list\)"):
        command("init", "new", "--template", "trainin", "-o", "other.toml")


@pytest.mark.parametrize("template", ["training", "ablation"])
def test_each_template_of_autotracks_own_makes_an_experiment_and_its_report(store, template):
    """As HTML and as Markdown; an ablation says how far the best setting is ahead, in what seeds make."""
    command("init", "new", "--template", template, "--metric", "val/loss")
    tags = Client().get_experiment_by_name("new").tags
    assert (tags["autotrack.template"], tags["autotrack.objective"]) == (template, "val/loss")
    autotrack.set_experiment("new")
    for width in (1, 2):
        for seed in range(3):
            with autotrack.start_run():
                autotrack.log_params({"width": width, "seed": seed})
                autotrack.log_metric("val/loss", 2.0 / width + 0.1 * seed)
    read = words(page(command("report", "new", "-o", "-")))
    plain = command("report", "new", "--markdown", "-o", "-")
    if template == "ablation":
        for text in (read, plain.replace("*", "")):
            assert "ahead of the next by 1" in text
            assert "10.0 times the standard deviation over seeds" in text
            assert "Curves" not in text
    else:
        assert "Runs are ranked by the lowest" in read
        assert tags["autotrack.columns"].startswith("best(val/loss),best(val/accuracy),")


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ('metrik = "a"', (), "'metrik' is none of name, question"),
        ("metric = 1", (), "metric is a text, not 1"),
        ("columns = [1]", (), "columns is a list of texts"),
        ('mode = "up"', (), '"min" or "max", not \'up\''),
        ('columns = ["lr"]', (), r"metrics\.KEY"),
        ('metric = "latency"', (), "--mode min or --mode max"),
        ("= 1", (), r"experiment\.toml cannot be read.*line 1"),
        ("", ("-o", "there.toml"), "is there already"),
    ],
)
def test_a_template_that_means_nothing_makes_nothing(store, tmp_path, text, options, says):
    """The place and the remedy are said."""
    (tmp_path / "work" / "there.toml").write_text("")
    (tmp_path / "experiment.toml").write_text(text)
    with pytest.raises(AutotrackException, match=says):
        command("init", "new", "--template", str(tmp_path), *options)
    assert Client().get_experiment_by_name("new") is None
    assert not (tmp_path / "work" / "autotrack-experiment.toml").exists()


def test_the_documentation_of_templates_is_true(store, tmp_path):
    """Its template fills in, its experiment is made, and it names all that a template sees."""
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(jinja|toml)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    (tmp_path / "report.html.j2").write_text(blocks["jinja"])
    (tmp_path / "experiment.toml").write_text(blocks["toml"])
    command("init", "new", "--template", str(tmp_path))
    assert "<h1>ACME Research: new</h1>" in command("report", "new", "--template", str(tmp_path), "-o", "-")
    keys = re.findall(r"^(\w+) = ", blocks["toml"].partition("[tags]")[0], re.MULTILINE)
    assert set(keys) == {one.name for one in fields(Plan)} - {"name", "template", "tags"}
    rows = text.partition("| name | is |")[2].partition("\n\n")[0].splitlines()[2:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert set(named) == {one.name for one in fields(Facts)} - {"template"} | {"version"}
    own = (templates.OWN / templates.HTML).read_text(encoding="utf-8")
    listed = re.search(r"The blocks are (.+?)\.", text, re.DOTALL)[1]
    assert re.findall(r"`(\w+)`", listed) == re.findall(r"{% block (\w+) %}", own)
