"""The files of the pages, as the server gives them."""

import re

import pytest
from asking import Asker

from autotrack.server import page
from autotrack.server.access import Access
from autotrack.server.app import Application
from autotrack.server.start import Options, opened


@pytest.fixture
def client(tmp_path):
    service = opened(Options(directory=str(tmp_path / "store")))
    yield Asker(Application(service, Access(None, ())))
    service.store.close()


def test_a_page_may_load_nothing_from_elsewhere(client):
    """Every file comes with the policy, and is asked for again only when it has changed."""
    for name in sorted(page._names()):
        answer = client.request("GET", f"/page/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert (
            client.request("GET", f"/page/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        )
    assert client.request("GET", "/").text.count("<script") == 2


@pytest.mark.parametrize("name", ["absent.js", "..%2fserver%2fapp.py", "%2e%2e", "index.html%00", "conftest.py"])
def test_only_files_of_the_page_are_given(client, name):
    """A name out of a list, never a path."""
    assert client.request("GET", f"/page/{name}").status_code == 404


def test_a_file_is_packed_for_who_can_unpack_it(client):
    """The same bytes arrive, fewer are sent; neither form is taken for the other."""
    packed = client.request("GET", "/page/app.js", headers={"Accept-Encoding": "gzip, br"})
    plain = client.request("GET", "/page/app.js", headers={"Accept-Encoding": "identity"})
    assert packed.content == plain.content
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_a_page_says_at_once_what_it_will_need(client):
    """All modules that its own imports, and no other's, and every style sheet; each is a file of the page."""
    runs, one = (client.request("GET", address).text for address in ("/?where=x", "/?run=1&compare=2"))
    needed = [re.findall(r'<link rel="(?:modulepreload|preload)".* href="/page/(.+)">', text) for text in (runs, one)]
    for names in needed:
        assert len(names) == len(set(names))
        assert set(names) <= page._names()
        assert {name for name in page._names() if name.endswith("style.css")} <= set(names)
    assert ("runs/page.js" in needed[0], "run/page.js" in needed[0]) == (True, False)
    assert ("run/page.js" in needed[1], "compare/page.js" in needed[1]) == (True, False)
    assert {"api.js", "chart/curves.js", "chart/plot.js"} <= set(needed[1])
