"""Secrets are taken out of whatever is written; what only looks like one stays."""

import time

import pytest

from autotrack import redact

SECRETS = {
    "AWS key id": ("aws_key = 'AKIAIOSFODNN7EXAMPLE'", "AKIAIOSFODNN7EXAMPLE"),
    "AWS secret": ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    "GitHub": ("url = ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F292c6912E77"),
    "GitHub fine": ("github_pat_11ABCDEFG0abcdefghijklmnopqrstuvwxyz_0123456789", "abcdefghijklmnop"),
    "GitLab": ("glpat-x8Zt_Q7Lk3Vn2Wp9Rs4M", "x8Zt_Q7Lk3Vn"),
    "Slack bot": ("xoxb-263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1", "FGqddMF8t08"),
    "Slack hook": ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXabcdXXXX", "XXXXXXXXabcd"),
    "Discord hook": ("https://discord.com/api/webhooks/123456789012345678/abcdefGHIJ_klmnopQRSTuv", "abcdefGHIJ"),
    "Google": ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "A1234567890abc"),
    "Google OAuth": ("ya29.a0AfH6SMBx1234567890abcdefg", "a0AfH6SMBx12345"),
    "OpenAI": ("sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34", "Ab12Cd34Ef56"),
    "Anthropic": ("sk-ant-api03-R2D2c3po0123456789ABCDEF-abcdef", "R2D2c3po0123"),
    "Hugging Face": ("hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567", "AbCdEfGhIjKl"),
    "npm": ("//registry.npmjs.org/:_authToken=npm_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnop"),
    "PyPI": ("pypi-AgEIcHlwaS5vcmcCJDU3OTM1MjliLWIyYTYtNDEwOC05NzRkLTM0MjNiNmEwNWIzYgACF", "IcHlwaS5vcmcCJDU3"),
    "Stripe": ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWD"),
    "SendGrid": ("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", "ngeVfQFYQlKU"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "eyJzdWIiOiIx"),
    "Databricks": ("dapi0123456789abcdef0123456789abcdef", "0123456789abcdef01"),
    "DigitalOcean": ("dop_v1_" + "0123456789abcdef" * 4, "0123456789abcdef01"),
    "Vault": ("hvs.CAESIJ1a2b3c4d5e6f7g8h9i0j", "CAESIJ1a2b3c"),
    "Docker": ("dckr_pat_aB3dE5fG7hI9jK1lM3nO5pQ7r", "aB3dE5fG7hI9"),
    "Telegram": ("bot 110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX", "AAHdqTcvCH1v"),
    "private key": ("-----BEGIN EC PRIVATE KEY-----\nb3BlbnNzaC1rZXkt\n-----END EC PRIVATE KEY-----", "b3BlbnNz"),
    "cut private key": ("-----BEGIN RSA PRIVATE KEY-----\n+MIIEpAIBAAKCAQEA75\n+x", "MIIEpAIBAAKC"),
    "URL": ("postgresql://ada:Lovelace1815@db.example.org/runs", "Lovelace1815"),
    "URL token": ("https://x-access-Zm9vYmFyYmF6@github.com/a/b.git", "Zm9vYmFyYmF6"),
    "query": ("https://x.blob.core.windows.net/c?sv=2020&sig=Ab1%2FCd2Ef3Gh4Ij5Kl6Mn7Op8%3D", "Cd2Ef3Gh4Ij5"),
    "bearer": ("curl -H 'Authorization: Bearer f0o1b2a3r4b5a6z7q8u9x0y1'", "f0o1b2a3r4b5"),
    "basic": ("Authorization: Basic dXNlcjpwYXNzd29yZDEyMzQ1", "dXNlcjpwYXNz"),
    "password": ("password = 'correct horse battery'", "correct horse"),
    "password in JSON": ('{"db_password": "tr0ub4dor&3"}', "tr0ub4dor"),
    "password in JSON in JSON": (r'"{\"password\": \"tr0ub4dor\"}"', "tr0ub4dor"),
    "password in YAML": ("password: tr0ub4dor", "tr0ub4dor"),
    "password in variables": ("+DB_PASSWORD=correcthorse", "correcthorse"),
    "password as an option": ("mysql --password hunter22", "hunter22"),
    "connection string": ("Server=db;User=sa;Password=Hunter2!;Database=x", "Hunter2!"),
    "wandb key": ('os.environ["WANDB_API_KEY"] = "0123456789abcdef0123456789abcdef01234567"', "0123456789abcdef"),
    "default of a variable": ('os.environ.setdefault("COMET_API_KEY", "Ab3kf9Qz")', "Ab3kf9Qz"),
    "client secret": ("clientSecret: 'x9Y8z7W6'", "x9Y8z7W6"),
    "token": ("token=b1946ac92492d2347c6235b4d2611184", "b1946ac92492d234"),
}  # fmt: skip

LOOK_ALIKES = [
    "num_memory_tokens=64", "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')",
    "secretary='Alice Miller'",
    "key_dim: 64", "pad_token='[PAD]'", "eos_token: '</s>'", "use_cls_token=True", "max_tokens=2048",
    "sort_key=2024-01-01T00:00:00", "primary_key='user_id'", "password_length=12", "monkey='capuchin monkey 12'",
    "commit 3fa2c1d4e5b6a7988990aabbccddeeff00112233", "git@github.com:ada/engine.git", "ada@example.org",
    "password: str = None", "password = getpass.getpass()", "token = tokenizer.encode(text)[0]",
    "https://example.org:8080/path@v2?tokens=3", "<div class='sk-estimator-doc-link sk-container-id-1'>",
    "f(password=password, secret=config.secret)", "api_key=os.environ['API_KEY']",
    "basic understanding of neural networks",
    "secrets.token_hex(16)", "public_key_algorithm='ed25519'",
]  # fmt: skip


@pytest.mark.parametrize(("line", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_is_taken_out(line: str, secret: str):
    """Whatever stands before and behind it."""
    for content in (line, f"first\n{line}\nlast", f"+{line}"):
        assert secret in content
        assert secret not in redact.text(content)
        assert redact.text(content).count("\n") == content.count("\n")


@pytest.mark.parametrize("line", LOOK_ALIKES)
def test_a_look_alike_stays(line: str):
    """What only resembles a secret is left to the letter."""
    assert redact.text(line) == line


def test_a_value_is_judged_by_its_name():
    """Parameters, tags and variables: a name that only secrets have is enough."""
    given = {"db.password": "correct horse", "HF_TOKEN": "abc", "lr": "0.1", "pad_token": "<pad>", "token": "2"}
    assert redact.pairs(given) == given | {"db.password": redact.MARK, "HF_TOKEN": redact.MARK}


def test_a_command_line_is_judged_by_its_options():
    """The value of an option may be the next word."""
    words = [
        "train.py",
        "--password",
        "x y z",
        "--api-key=abc123",
        "--lr",
        "0.1",
        "--tokenizer",
        "bert-base-uncased-12",
    ]
    assert redact.arguments(words) == [
        "train.py", "--password", redact.MARK, f"--api-key={redact.MARK}", *words[4:]
    ]  # fmt: skip


def test_what_json_can_hold_is_cleared_throughout():
    """Texts in lists and objects, each by the name that it is below."""
    config = {"model": {"layers": [1, 2.5, None, True]}, "auth": {"password": ["hunter2"]}, "url": "s3://a:bcd@c"}
    assert redact.tree(config) == {
        "model": {"layers": [1, 2.5, None, True]},
        "auth": {"password": [redact.MARK]},
        "url": f"s3://{redact.MARK}@c",
    }


HOSTILE = [
    "password", "password=", "a", "://", "://a:", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n", "eyJ",
    "eyJaaaaaaaaa.", "token: x ", "key ", "Bearer ", "password,'", 'password="', "sk-", ":AA", "1234567890", "_-.",
    "hooks.slack.com/services/", "\\\\\\", "--password ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_time_in_proportion_to_its_length(piece: str):
    """Eight times the text takes nowhere near 64 times as long."""

    def taken(size: int) -> float:
        content = piece * (size // len(piece))
        begin = time.thread_time()
        redact.text(content)
        return time.thread_time() - begin

    assert min(taken(64_000) for _ in range(2)) < 30 * max(min(taken(8_000) for _ in range(3)), 1e-3)
