"""Servers that ask for a certificate, and networks that let nobody out but through their proxy."""

import base64
import json
import signal
import socket
import ssl
import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from authorities import Authority
from forwardproxy import forwarding
from parts.kept import Kept, free_port, plain_environment

import autotrack
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.server.start import Options

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-some-length"


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """Nothing of the developer's own network."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "240")


@pytest.fixture
def authority(tmp_path):
    """One that only this test trusts."""
    return Authority(tmp_path, "authority")


@contextmanager
def serving(place, *options, secret=None):
    """autotrack's server in a process of its own, over TLS or not; gives its address without the scheme."""
    settings = Options(store=f"sqlite:///{place}/own.db", artifacts=str(place / "files"))
    if secret is not None:
        file = place / "secret"
        file.touch(0o600)
        file.write_text(secret)
        settings = replace(settings, token_file=str(file))
    kept, port = Kept("tls"), free_port()
    kept.start(
        [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--lifespan", "on",
         *map(str, options), "--factory", "autotrack.server.start:worker"],
        signal.SIGKILL,
        plain_environment(PYTHONPATH=f"{ROOT}:{ROOT / 'integrations'}",
                          AUTOTRACK_SERVER_OPTIONS=json.dumps(asdict(settings))),
    )  # fmt: skip
    assert kept.wait_until(lambda: listens(port)), kept.log()
    try:
        yield f"localhost:{port}"
    finally:
        kept.close()


def listens(port):
    """Whether somebody takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def tls(authority, *, asks=False):
    """The options of a server with a certificate, which may ask for one of its clients."""
    certificate, key = authority.issue("server")
    asked = ["--ssl-ca-certs", authority.file, "--ssl-cert-reqs", int(ssl.CERT_REQUIRED)] if asks else []
    return ["--ssl-certfile", certificate, "--ssl-keyfile", key, *asked]


def arrives(uri, monkeypatch, name="there"):
    """Record a run with a file to a server, and ask for both."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", uri)
    autotrack.set_experiment(name)
    with autotrack.start_run() as run:
        autotrack.log_metric("a", 1)
        autotrack.log_text("kept", "kept.txt")
    autotrack.flush_async_logging()
    assert Client().get_run(run.info.run_id).data.metrics == {"a": 1}
    assert [one.path for one in Client().list_artifacts(run.info.run_id)] == ["kept.txt"]


def refused(uri, match, monkeypatch):
    """Neither is what is recorded shown to such a server, nor is it asked for anything."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.3")
    with pytest.raises(AutotrackException, match=match):
        Client(uri).search_experiments()


def test_a_server_is_trusted_by_the_authority_that_one_names(authority, tmp_path, monkeypatch):
    """By our own setting, whatever the network's bundle says, or by that bundle; by nothing else."""
    with serving(tmp_path, *tls(authority)) as there:
        refused(f"https://{there}", "not trusted", monkeypatch)
        another = Authority(tmp_path, "another").file
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another))
        refused(f"https://{there}", "not trusted", monkeypatch)
        monkeypatch.setenv("AUTOTRACK_TRACKING_SERVER_CERT_PATH", str(authority.file))
        monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "240")
        arrives(f"https://{there}", monkeypatch)
        monkeypatch.setenv("AUTOTRACK_TRACKING_SERVER_CERT_PATH", str(another))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
        refused(f"https://{there}", "not trusted", monkeypatch)
        monkeypatch.delenv("AUTOTRACK_TRACKING_SERVER_CERT_PATH")
        assert Client(f"https://{there}").search_experiments()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another))
        monkeypatch.setenv("AUTOTRACK_TRACKING_INSECURE_TLS", "1")
        assert Client(f"https://{there}").search_experiments()


def test_a_server_that_asks_for_a_certificate_is_shown_one(authority, tmp_path, monkeypatch):
    """Certificate and key in two files, or in one; by the uploader, for files, and for questions."""
    with serving(tmp_path, *tls(authority, asks=True)) as there:
        monkeypatch.setenv("AUTOTRACK_TRACKING_SERVER_CERT_PATH", str(authority.file))
        refused(f"https://{there}", there, monkeypatch)
        certificate, key = authority.issue("client")
        monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_CERT_PATH", str(certificate))
        monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_KEY_PATH", str(key))
        monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "240")
        arrives(f"https://{there}", monkeypatch)
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.read_bytes() + key.read_bytes())
        monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_CERT_PATH", str(both))
        monkeypatch.delenv("AUTOTRACK_TRACKING_CLIENT_KEY_PATH")
        assert Client(f"https://{there}").search_experiments()
        stranger, strangers = Authority(tmp_path, "stranger").issue("stranger-client")
        monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_CERT_PATH", str(stranger))
        monkeypatch.setenv("AUTOTRACK_TRACKING_CLIENT_KEY_PATH", str(strangers))
        refused(f"https://{there}", there, monkeypatch)


def test_a_server_lets_in_who_shows_its_secret(tmp_path, monkeypatch):
    """As a bearer token, as a password, in the URI, or in a header of one's own; nobody else."""
    ways = [
        {"AUTOTRACK_TRACKING_TOKEN": SECRET},
        {"AUTOTRACK_TRACKING_USERNAME": "ada", "AUTOTRACK_TRACKING_PASSWORD": SECRET},
        {"AUTOTRACK_TRACKING_HEADERS": f"Authorization: Bearer {SECRET}"},
    ]
    with serving(tmp_path, secret=SECRET) as there:
        for variables in ways:
            with monkeypatch.context() as shown:
                for variable, value in variables.items():
                    shown.setenv(variable, value)
                assert Client(f"http://{there}").search_experiments()
        arrives(f"http://ada:{SECRET}@{there}", monkeypatch)
        refused(f"http://{there}", "asks for its token", monkeypatch)


def test_a_secret_that_is_changed_under_way_is_shown_anew(tmp_path, monkeypatch):
    """A program that has set another one in its environment is let in again, and nothing of its run is missing."""
    with serving(tmp_path, secret=SECRET) as there:
        monkeypatch.setenv("AUTOTRACK_TRACKING_TOKEN", "of-yesterday")
        monkeypatch.setenv("AUTOTRACK_TRACKING_URI", f"http://{there}")
        with autotrack.start_run() as run:
            autotrack.log_metric("a", 1)
            monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "5")
            with pytest.raises(AutotrackException, match="asks for its token"):
                autotrack.flush_async_logging()
            monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "240")
            monkeypatch.setenv("AUTOTRACK_TRACKING_TOKEN", SECRET)
            autotrack.log_metric("a", 2, step=1)
        autotrack.flush_async_logging()
        assert Client().get_run(run.info.run_id).data.metrics == {"a": 2}


def test_a_proxy_is_gone_through_where_the_environment_names_one(authority, tmp_path, monkeypatch):
    """For either scheme, with the proxy's own password; hosts that are excepted are asked directly."""
    key = base64.b64encode(b"me:secret").decode()
    (tmp_path / "tls").mkdir()
    with (
        forwarding(key) as proxy,
        serving(tmp_path) as plain,
        serving(tmp_path / "tls", *tls(authority)) as covered,
    ):
        through = proxy.url.replace("//", "//me:secret@")
        monkeypatch.setenv("HTTP_PROXY", through)
        monkeypatch.setenv("HTTPS_PROXY", through)
        monkeypatch.setenv("AUTOTRACK_TRACKING_SERVER_CERT_PATH", str(authority.file))
        arrives(f"http://{plain}", monkeypatch)
        arrives(f"https://{covered}", monkeypatch)
        assert f"CONNECT {covered}" in proxy.asked
        assert any(one.startswith(f"PUT http://{plain}/") for one in proxy.asked)
        monkeypatch.setenv("NO_PROXY", "localhost")
        before = len(proxy.asked)
        arrives(f"http://{plain}", monkeypatch, "direct")
        assert len(proxy.asked) == before
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        refused(f"http://{plain}", "407", monkeypatch)
