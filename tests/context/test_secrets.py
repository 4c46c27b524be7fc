"""Forty secrets on their ways into a record: none of them reaches the disk, and what resembles them does."""

from itertools import count
from pathlib import Path

from projects import Project

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


def test_no_secret_reaches_the_disk(project: Project):
    """In arguments, variables, addresses, parameters, tags, errors, the difference, untracked files and settings."""
    secrets: list[str] = []
    numbers = count(10)

    def word() -> str:
        """A password, which only its name or its place gives away."""
        secrets.append(f"hunter{next(numbers)}word")
        return secrets[-1]

    def token() -> str:
        """A key whose shape is known."""
        secrets.append(SHAPES[len(secrets) % len(SHAPES)].format(next(numbers)))
        return secrets[-1]

    project.write(settings_dot_yaml="epochs: 3\n", config_dot_env="DEBUG=1\n").commit()
    project.git("remote", "add", "origin", f"https://ada:{word()}@example.org/engine.git")
    project.write(
        settings_dot_yaml=f"epochs: 3\npassword: {word()}\nx: mysql://root:{word()}@db/x\nkey: {token()}\n",
        config_dot_env=f"DEBUG=1\nDB_PASSWORD={word()}\nSTRIPE_SECRET={word()}\nCLIENT_SECRET='{word()}'\n",
        keys_dot_pem=f"-----BEGIN RSA PRIVATE KEY-----\n{word()}\n{word()}\n-----END RSA PRIVATE KEY-----\n",
        fresh_dot_json=f'{{"api_key": "{word()}", "auth": {{"password": "{word()}"}}, "x": "{token()}"}}\n',
        client=f"connect(password='{word()}')\nos.environ['WANDB_API_KEY'] = '{word()}'\nX = '{token()}'\n",
        train=f"""
import autotrack as at
at.set_experiment("engine")
at.start_run(run_name="a postgres://u:{word()}@h/d b")
at.log_params({{"db.password": "{word()}", "url": "https://u:{word()}@h/", "hub": "{token()}"}})
at.log_params({{"HF_TOKEN": "{token()}", "a.private_key": "{word()}"}})
at.log_params({{"b": "x {token()} y", "c": "s3://{word()}:x@b"}})
at.log_param("config", {{"secret": "{word()}", "layers": [1, 2]}})
at.log_param("long", "x " * 4000 + "password='{word()}'")
at.set_tags({{"client_secret": "{word()}", "note": "password={word()}1", "slack": "{token()}"}})
at.log_params({{name: "a value of 12 letters" for name in {LOOK_ALIKES!r}}})
raise ConnectionError("cannot reach amqp://guest:{word()}@mq:5672 with token {token()}")
""",
    )
    arguments = (
        "--password",
        word(),
        f"--api-key={word()}",
        f"--url=ftp://a:{word()}@b",
        "--key",
        token(),
    )
    done = project.run(
        "train.py", *arguments, code=1, OMP_TOKEN=token(), SLURM_JWT=token(), CUDA_PASSWORD=word(),
        DATABASE_URL=word(), HOSTNAME=f"http://x:{word()}@y", TF_CONFIG=f'{{"secret": "{word()}"}}',
        SLURM_JOB_ID="7", SLURM_JOB_NAME=f"password={word()}",
    )  # fmt: skip
    assert "ConnectionError" in done.stderr
    run = project.only()
    assert {"changes.diff", "files/keys.pem", "files/fresh.json", "launch.json"} <= run.noted
    assert len(set(secrets)) == len(secrets) >= 40
    found = {
        (secret, file.name)
        for file in project.store.rglob("*")
        if file.is_file()
        for secret in secrets
        if secret.encode() in Path(file).read_bytes()
    }
    assert found == set()
    assert {name: run.params[name] for name in LOOK_ALIKES} == dict.fromkeys(LOOK_ALIKES, "a value of 12 letters")
    assert "+password: [redacted]" in (run.context / "changes.diff").read_text()
