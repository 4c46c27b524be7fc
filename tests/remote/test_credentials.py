"""What a program shows to a server, and to nobody else."""

import json

import pytest
from faults import Faults

from autotrack.exceptions import AutotrackException
from autotrack.wire.address import address, credentials
from autotrack.wire.connection import Connection, Refused, Slice


def test_where_each_of_them_comes_from(monkeypatch):
    """Ours before MLflow's; user and password of the URI before both."""
    for name, value in {
        "MLFLOW_TRACKING_USERNAME": "theirs", "MLFLOW_TRACKING_PASSWORD": "p", "AUTOTRACK_TRACKING_USERNAME": "ours",
        "MLFLOW_TRACKING_CLIENT_CERT_PATH": "/c.pem", "AUTOTRACK_TRACKING_SERVER_CERT_PATH": "/ca.pem",
        "AUTOTRACK_TRACKING_HEADERS": json.dumps({"X-Key": "k"}),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    found = credentials(address("https://host"))
    assert (found.user, found.password, found.certificate, found.verify) == ("ours", "p", "/c.pem", "/ca.pem")
    assert found.headers == {"X-Key": "k"}
    there = credentials(address("https://me:secret@host:8443/base/"))
    assert (there.user, there.password) == ("me", "secret")
    monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_KEY_PATH", "/k.pem")
    monkeypatch.setenv("AUTOTRACK_TRACKING_INSECURE_TLS", "1")
    found = credentials(address("https://host"))
    assert (found.certificate, found.verify) == (("/c.pem", "/k.pem"), False)


def test_what_is_secret_is_not_printed():
    """Of neither an address nor credentials."""
    one = address("https://me:secret@host:8443/base/")
    assert one.uri == "https://host:8443/base"
    assert "secret" not in repr(one) + repr(credentials(one)) + one.name


@pytest.mark.parametrize("uri", ["http://", "http://host:port", "https:///x", "ftp://u:secret@host"])
def test_what_names_no_server_is_refused(uri):
    """Without the secret that it may hold."""
    with pytest.raises(AutotrackException) as caught:
        address(uri)
    assert "secret" not in caught.value.message


def test_another_host_is_shown_nothing(faults, tracking, monkeypatch, tmp_path):
    """Where a server sends its clients elsewhere with a file; the netrc of the user is not read either."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("AUTOTRACK_TRACKING_TOKEN", "t")
    (tmp_path / "file").write_bytes(b"x")
    connection = Connection(address(tracking.url))
    connection.put(f"{faults.url}/api/2.0/mlflow-artifacts/artifacts/elsewhere.txt", Slice(tmp_path / "file", 0, 1))
    monkeypatch.delenv("AUTOTRACK_TRACKING_TOKEN")
    Connection(address(faults.url)).call("GET", "/api/3.0/mlflow/server-info")
    assert [one.get("Authorization") for one in faults.headers] == [None, None]


def test_where_a_server_sends_its_clients_nothing_is_shown(faults, tracking, monkeypatch, tmp_path):
    """Files are fetched from there without the headers that are for the server; questions are not asked there."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_TOKEN", "t")
    monkeypatch.setenv("AUTOTRACK_TRACKING_HEADERS", "X-Key: secret")
    (tmp_path / "file").write_bytes(b"content")
    path = "/api/2.0/mlflow-artifacts/artifacts/sent/elsewhere.txt"
    Connection(address(tracking.url)).put(f"{tracking.url}{path}", Slice(tmp_path / "file", 0, 7))
    before, there = Faults(tracking.url), f"{faults.url}{path}"
    try:
        before.fault, before.location = (lambda *_: "302"), there
        connection = Connection(address(before.url))
        with connection.get(f"{before.url}{path}") as pieces:
            assert b"".join(pieces) == b"content"
        with pytest.raises(Refused, match=faults.url):
            connection.call("GET", "/api/3.0/mlflow/server-info")
    finally:
        before.close()
    assert [(one.get("Authorization"), one.get("X-Key")) for one in faults.headers] == [(None, None)]
    assert {(one["Authorization"], one["X-Key"]) for one in before.headers} == {("Bearer t", "secret")}
