"""What a server must not do, whoever asks: the classes of mistakes that trackers have had."""

import ast
import gzip
import itertools
import json
import os
import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from asking import Asker

from autotrack.server.access import Access, read_secret
from autotrack.server.app import OPEN, TABLE, Application
from autotrack.server.start import Options, opened, serve

SECRET = "0123456789abcdef-secret"
BASIC = b64encode(f"ada:{SECRET}".encode()).decode()
HERE = Path(__file__).parents[2]


def filled(route):
    """A path of a route, with something in the place of what varies."""
    return re.sub(r"\{\w+(:path)?\}", "m-0", route.full_path)


@pytest.fixture
def guarded(tmp_path):
    """A server that asks for a token."""
    return Asker(Application(opened(Options(directory=str(tmp_path / "store"))), Access(SECRET, ())))


def test_every_route_asks_for_the_token(guarded):
    """Every one in the table, under each of its prefixes; with none, a wrong one, and ways to spell a wrong one."""
    wrong = (
        None, "Bearer wrong", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", "Bearer", f"Token {SECRET}", SECRET,
        "Basic !", f"Basic {b64encode(b'ada').decode()}", f"Basic {b64encode(f'{SECRET}:'.encode()).decode()}",
    )  # fmt: skip
    assert len(list(TABLE)) > 70
    for route in TABLE:
        paths = [filled(route)]
        if not route.path.startswith("/"):
            paths.append(f"/ajax-api/3.0/{paths[0].split('/', maxsplit=3)[3]}")
        for path, header in [*itertools.product(paths[:1], wrong), *itertools.product(paths[1:], wrong[:2])]:
            headers = {} if header is None else {"Authorization": header}
            answer = guarded.request(route.method, path, headers=headers)
            assert answer.status_code == (200 if route.path == OPEN else 401), (route.path, header)
        for header in (f"Bearer {SECRET}", f"bearer {SECRET}", f"Basic {BASIC}"):
            answer = guarded.request(route.method, paths[0], headers={"Authorization": header})
            assert answer.status_code != 401, (route.path, header)


def test_unknown_paths_ask_for_the_token_too(guarded):
    """Nobody learns what there is."""
    for path in (
        "/nope",
        "/api/2.0/mlflow/nope",
        "/static/x",
        "/docs",
        "//health",
        "/health/",
        "/HEALTH",
        "/health/../x",
    ):
        assert guarded.get(path).status_code == 401, path


def test_only_this_machines_names_are_answered(service):
    """Another site that has its own name lead here gets nothing, whatever it asks."""
    asker = Asker(Application(service, Access(None, ("tracking.example",))))
    for host in (
        "localhost",
        "localhost:5000",
        "127.0.0.1",
        "127.8.8.8:1",
        "[::1]:5000",
        "[::1]",
        "tracking.example:80",
    ):
        assert asker.get("/health", headers={"Host": host}).status_code == 200, host
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:5000",
        "0.0.0.0",
        "",
        "10.0.0.1",
    ):
        for path in ("/health", "/api/2.0/mlflow/experiments/get?experiment_id=0"):
            assert asker.get(path, headers={"Host": host}).status_code == 403, host


def test_a_host_header_names_no_path(guarded, client):
    """What stands in it is neither looked up nor answered instead of the path; and none of it is a failure."""
    for host in (
        "localhost/health?",
        "localhost/health#",
        "localhost\\health",
        "[",
        "[::1",
        "local host",
        "@localhost",
    ):
        status, body = guarded.raw("GET", "/api/2.0/mlflow/experiments/get", host=host)
        assert status in (401, 403), (host, body)
        status, body = client.raw("GET", "/version", host=host)
        assert status in (200, 403), (host, body)


def test_a_page_of_another_site_changes_nothing(client, run_id):
    """Also with what a browser may send without asking first."""
    tag = {"run_id": run_id, "key": "t", "value": "x"}
    url = "/api/2.0/mlflow/runs/set-tag"
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"}):  # fmt: skip
        assert client.post(url, json=tag, headers=headers).status_code == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = client.post(url, content=json.dumps(tag), headers={"Content-Type": kind})
        assert answer.status_code == 400, kind
    assert client.post(
        url, json=tag, headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    ).is_success
    preflight = client.request("OPTIONS", url, headers={"Origin": "http://evil.example"})
    assert not preflight.is_success
    assert not any(name.startswith("access-control") for name in preflight.headers)


ESCAPES = [
    "..", "../x", "../../../../etc/passwd", "a/../../x", "a/..", "/etc/passwd", "//etc/passwd", "./x", "a//b", "a/./b",
    "..\\x", "C:\\x", "\\\\host\\share", "%2e%2e/x", "%2e%2e%2f%2e%2e%2fetc", "%252e%252e/x", "%25252e%25252e/x",
    "..;/x/../..", "a\0b", "a/%00/../b", "x/%2e%2e/%2e%2e/y", "%c0%ae%c0%ae/..", ".autotrack-uploads/x",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out_of_a_run(client, service, tmp_path, run_id, method):
    """Escaped once, twice, or not at all: nothing outside is read, written or removed."""
    outside = tmp_path / "outside"
    outside.write_text("secret")
    before = tree(tmp_path)
    for escape in [*ESCAPES, "../" * 9 + str(outside), str(outside)]:
        for spelt in {quote(escape, safe=""), quote(escape, safe="/"), quote(quote(escape, safe=""), safe="")}:
            for root in (f"0/{run_id}/artifacts/", f"0/{run_id}/", ""):
                target = f"/api/2.0/mlflow-artifacts/artifacts/{root}{spelt}"
                status, body = client.raw(method, target, b"evil" if method == "PUT" else b"")
                assert b"secret" not in body
                assert status in (400, 404) or (status == 200 and method != "GET"), (spelt, body)
    assert outside.read_text() == "secret"
    changed = {path for path in tree(tmp_path) ^ before if not path.startswith(("store", "artifacts", "autotrack.db"))}
    assert changed == set()


def test_no_name_leads_out_of_a_run(client, tmp_path, run_id):
    """Paths, ids and names inside requests."""
    (tmp_path / "passwd").write_text("secret")
    before = tree(tmp_path)
    for escape in [*ESCAPES, "#", "?"]:
        _ask_for(client, run_id, escape, tmp_path)
    changed = {path for path in tree(tmp_path) ^ before if not path.startswith(("store", "artifacts", "autotrack.db"))}
    assert changed == set()


def _ask_for(client, run_id, escape, tmp_path):
    model = {"name": "m", "source": escape}
    for method, path, fields in (
        ("GET", "mlflow/artifacts/list", {"run_id": run_id, "path": escape}),
        ("GET", "mlflow/artifacts/list", {"run_id": escape}),
        ("GET", "mlflow/runs/get", {"run_id": escape}),
        ("GET", "mlflow-artifacts/artifacts", {"path": escape}),
        ("GET", "mlflow/metrics/get-history", {"run_id": escape, "metric_key": escape}),
        ("POST", "mlflow/runs/create", {"experiment_id": "0", "run_id": escape}),
        ("POST", "mlflow/runs/log-metric", {"run_id": escape, "key": "a", "value": 1, "timestamp": 1}),
        ("POST", "mlflow/experiments/create", {"name": f"e{escape}", "artifact_location": escape}),
        ("POST", "mlflow/experiments/create", {"name": f"f{escape}", "artifact_location": f"file:///{escape}"}),
        ("POST", "mlflow/model-versions/create", model),
        ("POST", "mlflow/model-versions/create", model | {"source": f"runs:/{run_id}/{escape}", "run_id": run_id}),
        ("POST", f"mlflow-artifacts/mpu/create/0/{run_id}/artifacts", {"path": escape}),
        ("POST", f"mlflow-artifacts/mpu/abort/0/{run_id}/artifacts", {"path": "x", "upload_id": escape}),
        ("POST", "mlflow/logged-models", {"experiment_id": "0", "name": f"../{escape}"}),
    ):
        sent = {"params": fields} if method == "GET" else {"json": fields}
        answer = client.request(method, f"/api/2.0/{path}", headers={"X-Autotrack": "1"}, **sent)
        assert answer.status_code < 500 or answer.status_code == 501, (path, answer.text)
        assert "secret" not in answer.text
        if path.startswith("mlflow-artifacts/mpu/create") and answer.is_success:
            assert all(part["url"].startswith(f"/api/2.0/mlflow-artifacts/mpu/part/0/{run_id}/artifacts/")
                       for part in answer.json()["credentials"])  # fmt: skip
        assert str(tmp_path) not in answer.text


def test_a_link_inside_a_run_is_not_followed(client, service, tmp_path, run_id):
    """Whoever put it there."""
    if service.store.directory is None:
        root = tmp_path / "artifacts" / "0" / run_id / "artifacts"
    else:
        root = service.store.directory / "runs" / run_id / "artifacts"
    root.mkdir(parents=True, exist_ok=True)
    (tmp_path / "passwd").write_text("secret")
    (root / "file").symlink_to(tmp_path / "passwd")
    (root / "directory").symlink_to(tmp_path)
    for path in ("file", "directory/passwd"):
        url = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/{path}"
        assert b"secret" not in client.get(url).content
        client.put(url, content=b"evil")
        client.request("DELETE", url)
    assert (tmp_path / "passwd").read_text() == "secret"


def test_nothing_that_was_sent_is_unpickled(client, service, tmp_path, run_id):
    """A model is bytes to a server; only its own MLmodel says what it is, and that is data too."""
    fired = tmp_path / "fired"
    canary = b"cos\nsystem\n(S'touch " + str(fired).encode() + b"'\ntR."
    root = f"0/{run_id}/artifacts/model"
    for name, content in (("MLmodel", b"!!python/object/apply:os.system ['touch " + str(fired).encode() + b"']"),
                          ("model.pkl", canary), ("python_env.yaml", canary)):  # fmt: skip
        client.put(f"/api/2.0/mlflow-artifacts/artifacts/{root}/{name}", content=content)
    client.post("/api/2.0/mlflow/registered-models/create", json={"name": "m"})
    source = {"name": "m", "source": f"mlflow-artifacts:/{root}", "run_id": run_id}
    client.post("/api/2.0/mlflow/model-versions/create", json=source)
    for url in ("model-versions/search", f"artifacts/list?run_id={run_id}&path=model", f"runs/get?run_id={run_id}"):
        assert client.get(f"/api/2.0/mlflow/{url}").is_success
    assert not fired.exists()


def test_an_answer_names_no_path_and_no_sql(client, service, tmp_path, monkeypatch):
    """What went wrong inside is in the log, under the request's id."""

    def fail(*args, **kwargs):
        raise RuntimeError(f"SELECT * FROM secrets; {tmp_path}")

    monkeypatch.setattr(type(service.store), "experiment", fail)
    answer = client.get("/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"X-Request-Id": "abc-1"})
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "SELECT" not in answer.text
    assert str(tmp_path) not in answer.text
    assert "abc-1" in answer.text
    assert answer.headers["x-request-id"] == "abc-1"
    for url in ("runs/get?run_id=nope", "runs/search", "registered-models/get?name=nope", "logged-models/m-nope"):
        method = "POST" if url == "runs/search" else "GET"
        sent = {"json": {"experiment_ids": ["0"], "filter": "metrics.'; DROP TABLE runs"}} if method == "POST" else {}
        text = client.request(method, f"/api/2.0/mlflow/{url}", **sent).text
        assert str(tmp_path) not in text
        assert "SELECT" not in text


def test_a_request_is_never_larger_than_it_may_be(client, monkeypatch):
    """On the wire, unpacked, and in depth."""
    url, kind = "/api/2.0/mlflow/runs/log-batch", {"Content-Type": "application/json"}
    assert client.post(url, content=b" " * (33 << 20), headers=kind).status_code == 413
    bomb = gzip.compress(b" " * (64 << 20))
    assert client.post(url, content=bomb, headers=kind | {"Content-Encoding": "gzip"}).status_code == 413
    for packed in (b"nonsense", gzip.compress(b"{}")[:-4]):
        assert client.post(url, content=packed, headers=kind | {"Content-Encoding": "gzip"}).status_code == 400
    assert client.post(url, content=b"{}", headers=kind | {"Content-Encoding": "br"}).status_code == 400
    for deep in (b"[" * 100_000, b'{"a":' * 100_000, b'{"metrics":' + b"[" * 5000 + b"]" * 5000 + b"}"):
        assert client.post(url, content=deep, headers=kind).status_code == 400
    for odd in (b"", b"null", b"[]", b'"{}"', b"\xff\xfe", b'{"run_id": "\\ud800"}', b'{"run_id": 1e999}'):
        assert 400 <= client.post(url, content=odd, headers=kind).status_code < 500, odd


def test_odd_values_are_refused_and_never_a_failure(tmp_path):
    """Every field of every request, with what it is not."""
    place = Options(store=f"sqlite:///{tmp_path}/a.db", artifacts=str(tmp_path / "files"))
    client = Asker(Application(opened(place), Access(None, ())))
    odds = ("\0", "\ud800", "' OR 1=1 --", -1, 2**70, [], {})
    for route in TABLE:
        names = route.asked.__struct_fields__ if route.asked is not None else ()
        for odd, name in itertools.product(odds, [*names, ""] if names else ()):
            fields = {one: odd for one in names if name in ("", one)}
            sent = {"content": json.dumps(fields), "headers": {"Content-Type": "application/json"}}
            if route.method == "GET":
                texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}
                sent = {"params": {key: text.encode("utf-8", "replace").decode() for key, text in texts.items()}}
            answer = client.request(route.method, filled(route), **sent)
            assert answer.status_code < 500 or answer.status_code == 501, (route.path, fields, answer.text[:500])


def test_no_address_that_a_client_names_is_asked(client, run_id, monkeypatch):
    """Neither now nor when the answer is made: the server opens no connection of its own."""

    def refuse(*args):
        raise AssertionError(f"a connection to {args[1:]}")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    client.post("/api/2.0/mlflow/registered-models/create", json={"name": "m"})
    for url in ("http://169.254.169.254/latest", "https://evil.example/x", "file://evil/x", "gopher://x/", "//evil/x",
                "http://[::ffff:169.254.169.254]/", "ftp://169.254.169.254/x", "dbfs:/x", "s3://b/k"):  # fmt: skip
        made = client.post("/api/2.0/mlflow/experiments/create", json={"name": url, "artifact_location": url})
        if made.is_success:
            run = client.post("/api/2.0/mlflow/runs/create", json=made.json()).json()["run"]["info"]["run_id"]
            client.get(f"/api/2.0/mlflow/artifacts/list?run_id={run}")
            client.get(f"/get-artifact?run_id={run}&path=x")
        assert made.is_success == url.startswith(("s3://", "ftp://")), url
        source = {"name": "m", "source": url, "run_id": run_id}
        version = client.post("/api/2.0/mlflow/model-versions/create", json=source).json().get("model_version", {})
        if version:
            client.get("/model-versions/get-artifact", params={"name": "m", "version": version["version"], "path": "x"})


def test_nothing_that_was_sent_is_expanded(client, run_id):
    """Texts come back as they were, also those that look like something else."""
    texts = [
        "${HOME}",
        "$HOME",
        "%(x)s",
        "{0}",
        "{{7*7}}",
        "$(id)",
        "`id`",
        "\u202eevil",
        "<script>",
        "a%2fb",
        "\x1b[31m",
    ]
    tags = [{"key": f"k{number}", "value": text} for number, text in enumerate(texts)]
    client.post("/api/2.0/mlflow/runs/log-batch", json={"run_id": run_id, "tags": tags})
    found = client.get(f"/api/2.0/mlflow/runs/get?run_id={run_id}")
    assert found.headers["content-type"] == "application/json"
    kept = {one["key"]: one["value"] for one in found.json()["run"]["data"]["tags"]}
    assert [kept[f"k{number}"] for number in range(len(texts))] == texts


def test_names_that_look_alike_are_different_models(client):
    """No spelling of one reaches the other."""
    names = ["fraud", "Fraud", "fra%75d", "fraud%00", "fr\u0430ud"]
    for name in names:
        made = client.post("/api/2.0/mlflow/registered-models/create", json={"name": name})
        assert made.is_success, name
    for name in names:
        found = client.get("/api/2.0/mlflow/registered-models/get", params={"name": name}).json()
        assert found["registered_model"]["name"] == name
    for name in ("a/b", "a:b", "..", " fraud", "fraud\n", "fraud\0", ""):
        assert client.post("/api/2.0/mlflow/registered-models/create", json={"name": name}).status_code == 400, name


def test_a_long_text_takes_no_longer_than_it_is_long(client):
    """Nothing searches it again and again."""
    for text in (
        " " * 400_000,
        "AND " * 100_000,
        "tags.`mlflow.prompt.is_prompt` != " * 10_000,
        "(" * 99_000,
        "a" * 400_000,
    ):
        sent = {"experiment_ids": ["0"], "filter": text}
        assert client.post("/api/2.0/mlflow/runs/search", json=sent).status_code in (200, 400)
        for path in ("registered-models", "model-versions"):
            answer = client.get(f"/api/2.0/mlflow/{path}/search", params={"filter": text[:20_000]})
            assert answer.status_code in (200, 400)
        assert (
            client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0", "tags": [{"key": text}]}).status_code
            == 400
        )
        assert client.post("/api/2.0/mlflow/experiments/create", json={"name": text}).status_code == 400


def test_nobody_else_is_served_without_a_token(tmp_path):
    """Another address than this machine's own needs one, in a file that others cannot read."""
    options = {"directory": str(tmp_path / "store"), "port": 0}
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(Exception, match="--token-file"):
            serve(Options(host=host, **options), "x")
    token = tmp_path / "token"
    token.write_text(SECRET)
    token.chmod(0o640)
    with pytest.raises(Exception, match="chmod 600"):
        serve(Options(host="0.0.0.0", token_file=str(token), **options), "x")
    token.chmod(0o600)
    assert read_secret(token) == SECRET
    for weak in ("", "short", "two words of some length"):
        token.write_text(weak)
        with pytest.raises(Exception, match="one word of at least 16 characters"):
            read_secret(token)
    with pytest.raises(Exception, match="cannot be read"):
        read_secret(tmp_path / "none")


def test_serving_loads_nothing_that_could_run_what_was_sent():
    """No loader of pickles, archives or YAML, no shell and no client of other servers is near a route."""
    never = {
        "pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "tarfile", "zipfile", "shutil",
        "subprocess", "ctypes", "requests", "httpx", "aiohttp", "urllib.request", "http.client", "importlib",
    }  # fmt: skip
    for path in (HERE / "autotrack" / "server").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not never & {part for name in names for part in (name, name.partition(".")[0])}, path
            called = node.func if isinstance(node, ast.Call) else None
            assert getattr(called, "id", "") not in ("eval", "exec", "compile", "__import__"), path
            assert getattr(called, "attr", "") not in ("system", "popen"), path


def tree(root):
    """Every path below a directory."""
    return {os.path.relpath(Path(where) / name, root) for where, _, names in os.walk(root) for name in names}
