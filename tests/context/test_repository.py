"""The code of a run: its commit, and everything in which what ran was otherwise."""

import subprocess
from pathlib import Path

from projects import Project

USING = "import autotrack, helper\nwith autotrack.start_run():\n    pass\n"


def test_what_ran_can_be_put_together_again(project: Project, tmp_path: Path):
    """A clone at the commit, with the difference applied and the untracked files added, is the work tree."""
    project.write(staged="x = 1\n", unstaged="x = 1\n", gone="x = 1\n", _dot_gitignore="*.log\n").commit()
    project.write(staged="x = 2\n", fresh="x = 3\n", package__inner="x = 4\n", notes_dot_log="ignored\n")
    project.git("add", "staged.py", "fresh.py")
    project.write(unstaged="x = 5\n")
    (project.directory / "gone.py").unlink()
    project.run()
    run = project.only()
    context, facts = run.context, run.fact("code.json")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", project.directory, clone], check=True)
    subprocess.run(["git", "checkout", "-q", facts["commit"]], cwd=clone, check=True)
    subprocess.run(["git", "apply", context / "changes.diff"], cwd=clone, check=True)
    for file in (context / "files").rglob("*.py"):
        target = clone / file.relative_to(context / "files")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    assert texts(clone) == texts(project.directory)
    assert facts["dirty"] is True
    assert run.tags["autotrack.git.dirty"] == "true"


def test_a_commit_is_enough_where_nothing_was_changed(project: Project):
    """Then there is no difference, and the run says that it is clean."""
    commit = project.commit()
    project.git("remote", "add", "origin", "https://ada:lovelace@example.org/engine.git")
    project.run()
    run = project.only()
    facts = run.fact("code.json")
    assert (facts["commit"], facts["branch"], facts["dirty"]) == (commit, "main", False)
    assert not (run.context / "changes.diff").exists()
    assert run.tags["autotrack.git.dirty"] == "false"
    assert run.tags["mlflow.source.git.repoURL"] == facts["remote"] == "https://[redacted]@example.org/engine.git"


def test_a_module_that_git_ignores_is_kept_if_it_was_imported(project: Project):
    """What has run belongs to the record, whatever git thinks of it."""
    project.write(train=USING, helper="x = 1\n", _dot_gitignore="helper.py\n").commit()
    project.run()
    assert (project.only().context / "files" / "helper.py").read_text() == "x = 1\n"


def test_without_git_the_imported_files_are_kept(project: Project):
    """The program and its own modules, and none that it has not imported."""
    project.write(train=USING, helper="x = 1\n", other="x = 2\n").run()
    run = project.only()
    assert run.fact("code.json")["vcs"] is None
    assert texts(run.context / "files") == {"train.py": USING, "helper.py": "x = 1\n"}


def test_what_is_large_or_no_text_is_named_and_left_out(project: Project):
    """Only texts within limits are kept; of the others the record has the names."""
    project.commit()
    (project.directory / "weights.bin").write_bytes(bytes(1000))
    (project.directory / "table.csv").write_text("1,2,3\n" * 100_000)
    (project.directory / "link").symlink_to("/etc/passwd")
    project.run()
    facts = project.only().fact("code.json")
    named = {each["path"]: each["why"] for each in facts["left_out"]["names"]}
    assert named == {"weights.bin": "binary", "table.csv": "large", "link": "unreadable"}
    assert facts["files"] == 0
    assert facts["dirty"] is True


def test_a_submodule_has_its_own_difference(project: Project, tmp_path: Path):
    """Its commit, and what was changed in it."""
    library = Project(tmp_path / "library", project.store)
    library.directory.mkdir()
    commit = library.write(part="x = 1\n").commit()
    project.commit()
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.directory), "lib")
    project.commit()
    project.write(lib__part="x = 2\n", lib__new="x = 3\n").run()
    run = project.only()
    (submodule,) = run.fact("code.json")["submodules"]
    assert (submodule["path"], submodule["commit"], submodule["dirty"]) == ("lib", commit, True)
    assert "+x = 2" in (run.context / "submodules" / "0.diff").read_text()
    assert (run.context / "files" / "lib" / "new.py").read_text() == "x = 3\n"


def test_a_repository_without_a_commit_has_all_its_files(project: Project):
    """Nothing is lost before the first commit."""
    project.git("init", "-q")
    project.git("add", "train.py")
    project.write(other="x = 1\n").run()
    run = project.only()
    assert run.fact("code.json")["commit"] is None
    assert "+with autotrack.start_run():" in (run.context / "changes.diff").read_text()
    assert texts(run.context / "files") == {"other.py": "x = 1\n"}


def test_the_repository_is_left_as_it_is(project: Project):
    """Not even the index is brought up to date."""
    project.commit()
    (project.directory / "train.py").touch()
    before = {path: path.stat().st_mtime_ns for path in (project.directory / ".git").rglob("*")}
    project.run()
    assert project.only().fact("code.json")["dirty"] is False
    assert {path: path.stat().st_mtime_ns for path in (project.directory / ".git").rglob("*")} == before


def test_a_hostile_repository_runs_nothing(project: Project, tmp_path: Path):
    """Every setting, attribute and hook by which a repository can have a command run is there, and none does."""
    mark = tmp_path / "ran"
    command = f"touch {mark}; cat"
    project.write(data_dot_txt="one\n", _dot_gitattributes="*.txt filter=evil diff=evil merge=evil\n*.py diff=evil\n")
    project.commit()
    commands = [
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.askPass", "pager.diff",
        "core.alternateRefsCommand", "pager.ls-files", "diff.external", "diff.evil.command", "diff.evil.textconv",
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "merge.evil.driver", "gpg.program",
        "interactive.diffFilter", "sequence.editor", "uploadpack.packObjectsHook",
    ]  # fmt: skip
    settings = dict.fromkeys(commands, command) | {
        "core.hooksPath": str(tmp_path / "hooks"), "filter.evil.required": "true", "credential.helper": f"!{command}",
        "alias.diff": f"!{command}", "alias.ls-files": f"!{command}", "trace2.eventTarget": str(mark),
        "include.path": str(tmp_path / "more"), "core.worktree": str(tmp_path),
    }  # fmt: skip
    (tmp_path / "more").write_text(f"[diff]\n\texternal = {command}\n")
    for name, value in settings.items():
        project.git("config", name, value)
    for directory in (project.directory / ".git" / "hooks", tmp_path / "hooks"):
        directory.mkdir(exist_ok=True)
        for hook in (
            "post-index-change",
            "fsmonitor-watchman",
            "pre-auto-gc",
            "reference-transaction",
            "post-checkout",
        ):
            (directory / hook).write_text(f"#!/bin/sh\n{command}\n")
            (directory / hook).chmod(0o755)
    (project.directory / "git").write_text(f"#!/bin/sh\n{command}\n")
    (project.directory / "git").chmod(0o755)
    (project.directory / "data.txt").write_text("two\n")
    project.run(PATH=f".:{project.directory.name}:/usr/local/bin:/usr/bin:/bin")
    run = project.only()
    assert "+two" in (run.context / "changes.diff").read_text()
    assert not mark.exists()
    subprocess.run(["git", "diff"], cwd=project.directory, capture_output=True, check=False)
    assert mark.exists(), "the repository is not hostile"


def texts(directory: Path) -> dict[str, str]:
    """The Python files below a directory."""
    return {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*.py")}
