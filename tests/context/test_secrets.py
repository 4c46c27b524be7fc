"""Forty secrets on their ways into a record: none of them reaches the disk, and what resembles them does."""

from itertools import count
from pathlib import Path

import pytest
from projects import Project
from remote.faults import Faults
from remote.ownserver import Own

SHAPES = [
    "ghp_{}16C7e42F292c6912E7710c838347Ae178B4a", "glpat-{}x8Zt_Q7Lk3Vn2Wp9Rs4M", "hf_{}AbCdEfGhIjKlMnOpQrStUvWxYz01",
    "sk-proj-{}Ab12Cd34Ef56Gh78Ij90Kl12Mn34", "AKIA{}OSFODNN7EXAMPLE", "xoxb-{}263594206564-FGqddMF8t08v8N7Oq4i57vs1",
    "dapi{}0123456789abcdef0123456789abcd", "npm_{}abcdefghijklmnopqrstuvwxyz0123456789",
]  # fmt: skip
LOOK_ALIKES = [
    "num_memory_tokens", "tokenizer", "secretary", "key_dim", "pad_token", "eos_token", "use_cls_token", "max_tokens",
    "sort_key", "primary_key", "monkey", "keyboard", "passenger", "compass", "author", "token_type_ids",
    "password_length", "secret_santa_count", "turkey", "authority",
]  # fmt: skip


class Planted:
    """A project with secrets wherever a program may have them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.secrets: list[str] = []
        self._numbers = count(10)
        word, token = self.word, self.token
        project.write(settings_dot_yaml="epochs: 3\n", config_dot_env="DEBUG=1\n").commit()
        project.git("remote", "add", "origin", f"https://ada:{word()}@example.org/engine.git")
        project.write(
            settings_dot_yaml=f"epochs: 3\npassword: {word()}\nx: mysql://root:{word()}@db/x\nkey: {token()}\n",
            config_dot_env=f"DEBUG=1\nDB_PASSWORD={word()}\nSTRIPE_SECRET={word()}\nCLIENT_SECRET='{word()}'\n",
            keys_dot_pem=f"-----BEGIN RSA PRIVATE KEY-----\n{word()}\n{word()}\n-----END RSA PRIVATE KEY-----\n",
            fresh_dot_json=f'{{"api_key": "{word()}", "auth": {{"password": "{word()}"}}, "x": "{token()}"}}\n',
            client=f"connect(password='{word()}')\nos.environ['WANDB_API_KEY'] = '{word()}'\nX = '{token()}'\n",
            train=f"""
import autotrack as at, logging, sys
at.set_experiment("engine")
at.start_run(run_name="a postgres://u:{word()}@h/d b")
at.log_params({{"db.password": "{word()}", "url": "https://u:{word()}@h/", "hub": "{token()}"}})
at.log_params({{"HF_TOKEN": "{token()}", "a.private_key": "{word()}"}})
at.log_params({{"b": "x {token()} y", "c": "s3://{word()}:x@b"}})
at.log_param("config", {{"secret": "{word()}", "layers": [1, 2]}})
at.log_param("long", "x " * 4000 + "password='{word()}'")
at.set_tags({{"client_secret": "{word()}", "note": "password={word()}1", "slack": "{token()}"}})
at.log_params({{name: "a value of 12 letters" for name in {LOOK_ALIKES!r}}})
print(*{LOOK_ALIKES!r}, sep="=3\\n")
print("connecting to redis://:{word()}@cache:6379/0 with", {{"api_key": "{word()}"}})
key = "-----BEGIN EC PRIVATE KEY-----\\n{word()}\\n-----END EC PRIVATE KEY-----"
print("Authorization: Bearer {token()}", key, file=sys.stderr)
logging.warning("retry with --password {word()}")
raise ConnectionError("cannot reach amqp://guest:{word()}@mq:5672 with token {token()}")
""",
        )

    def word(self) -> str:
        """A password, which only its name or its place gives away."""
        self.secrets.append(f"hunter{next(self._numbers)}word")
        return self.secrets[-1]

    def token(self) -> str:
        """A key whose shape is known."""
        self.secrets.append(SHAPES[len(self.secrets) % len(SHAPES)].format(next(self._numbers)))
        return self.secrets[-1]

    def run(self, **environment: str) -> None:
        """Run the program, with more secrets on the command line and among the variables."""
        word, token = self.word, self.token
        options = (f"--api-key={word()}", f"--url=ftp://a:{word()}@b", "--key", token())
        done = self.project.run(
            "train.py", "--password", word(), *options, code=1, OMP_TOKEN=token(), SLURM_JWT=token(),
            CUDA_PASSWORD=word(), DATABASE_URL=word(), HOSTNAME=f"http://x:{word()}@y",
            TF_CONFIG=f'{{"secret": "{word()}"}}', SLURM_JOB_ID="7", SLURM_JOB_NAME=f"password={word()}",
            **environment,
        )  # fmt: skip
        assert "ConnectionError" in done.stderr
        assert "secret_santa_count" in done.stdout
        assert len(set(self.secrets)) == len(self.secrets) >= 40

    def found_below(self, directory: Path) -> set[tuple[str, str]]:
        """The secrets that are in files, each with the file's name."""
        files = [file for file in directory.rglob("*") if file.is_file()]
        return {
            (secret, file.name) for file in files for secret in self.secrets if secret.encode() in file.read_bytes()
        }


def test_no_secret_reaches_the_disk(project: Project):
    """In arguments, variables, addresses, parameters, tags, errors, the difference, untracked files, settings and what
    the program prints."""
    planted = Planted(project)
    planted.run()
    run = project.only()
    assert {"changes.diff", "files/keys.pem", "files/fresh.json", "launch.json"} <= run.noted
    assert planted.found_below(project.store) == set()
    assert {name: run.params[name] for name in LOOK_ALIKES} == dict.fromkeys(LOOK_ALIKES, "a value of 12 letters")
    assert "+password: [redacted]" in (run.context / "changes.diff").read_text()
    printed = (run.directory / "artifacts" / "console.log").read_text()
    assert printed.startswith("=3\n".join(LOOK_ALIKES) + "\nconnecting to redis://[redacted]@cache:6379/0")
    assert "amqp://[redacted]@mq:5672" in printed.splitlines()[-1]


@pytest.mark.slow
def test_no_secret_is_on_the_wire(project: Project, tmp_path: Path):
    """What a server is sent, and what it keeps."""
    server = Own(tmp_path)
    wire = Faults(server.url, keep=True)
    planted = Planted(project)
    local = {"AUTOTRACK_TRACKING_URI": wire.url, "AUTOTRACK_LOCAL_STORE": str(project.store)}
    try:
        planted.run(**local)
        project.ended()
        project.run("-m", "autotrack", "sync", **local)
    finally:
        server.close()
        wire.close()
    sent = "".join(wire.kept or ())
    assert all(part in sent for part in ("a value of 12 letters", "+password: [redacted]", "redis://[redacted]@cache"))
    assert [secret for secret in planted.secrets if secret in sent] == []
    assert {name for name in LOOK_ALIKES if name not in sent} == set()
    assert planted.found_below(tmp_path) - planted.found_below(project.directory) == set()
