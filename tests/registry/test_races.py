"""Many at once: one order of things, no number twice, one winner."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest
from registries import BUCKET, code_of

from autotrack.client import Client
from autotrack.store import open_store

THREADS = 50


def test_versions_of_many_threads_have_no_gap_and_no_duplicate(client: Client):
    """Each thread makes one, all with a client of their own."""
    client.create_registered_model("m")
    with ThreadPoolExecutor(THREADS) as pool:
        numbers = list(pool.map(lambda _: int(Client().create_model_version("m", BUCKET).version), range(THREADS)))
    assert sorted(numbers) == list(range(1, THREADS + 1))
    assert client.verify_registry().problems == ()


def test_a_compare_and_set_has_one_winner(client: Client, version):
    """Of an alias that all want to move away from where it is; and of a stage, and of a name."""
    for _ in range(THREADS):
        version()
    with ThreadPoolExecutor(THREADS) as pool:

        def lost(action) -> int:
            codes = list(pool.map(lambda number: code_of(lambda: action(number)), range(1, THREADS + 1)))
            assert set(codes) <= {None, "RESOURCE_CONFLICT"}
            return sum(code is not None for code in codes)

        assert lost(lambda n: client.set_registered_model_alias("m", "live", n, expected=None)) == THREADS - 1
        leader = client.get_registered_model("m").aliases["live"]
        assert lost(lambda n: client.set_registered_model_alias("m", "live", n, expected=leader)) in (
            THREADS - 1,
            # unless the leader itself was set again before anybody else
            THREADS - 2,
        )
        assert lost(lambda _: client.transition_model_version_stage("m", 1, "Staging", expected="None")) == THREADS - 1
    changes = [one for one in client.get_model_history("m") if one.kind == "alias"]
    assert [one.before for one in changes] == [None, *(one.after for one in changes[:-1])]


def test_a_name_is_given_once(client: Client):
    """However many want it at the same moment."""

    with ThreadPoolExecutor(THREADS) as pool:
        codes = list(pool.map(lambda _: code_of(lambda: client.create_registered_model("m")), range(THREADS)))
    assert sorted(map(str, codes)) == ["None", *["RESOURCE_ALREADY_EXISTS"] * (THREADS - 1)]


RACER = dedent(
    """
    import sys
    from autotrack.client import Client
    from autotrack.exceptions import AutotrackException

    client, made, won = Client(), [], 0
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(int(sys.argv[1])):
        version = client.create_model_version("m", "s3://models/one").version
        made.append(version)
        before = client.get_registered_model("m").aliases.get("live")
        try:
            client.set_registered_model_alias("m", "live", version, expected=before)
            won += 1
        except AutotrackException as error:
            assert error.error_code == "RESOURCE_CONFLICT", error
    print(won, *made)
    """
)


@pytest.mark.parametrize(("processes", "each"), [(3, 6), pytest.param(8, 25, marks=pytest.mark.slow)])
def test_many_processes(client: Client, processes: int, each: int):
    """Numbers without gap or duplicate, and each move of the alias starts where the one before ended."""
    client.create_registered_model("m")
    command = [sys.executable, "-c", RACER, str(each)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate()[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * processes
    numbers = [int(number) for _, *made in told for number in made]
    assert sorted(numbers) == list(range(1, processes * each + 1))
    moves = [one for one in client.get_model_history("m") if one.kind == "alias"]
    assert len(moves) == sum(int(won) for won, *_ in told)
    assert [one.before for one in moves] == [None, *(one.after for one in moves[:-1])]
    verdict = client.verify_registry()
    assert (verdict.problems, verdict.entries) == ((), 1 + processes * each + len(moves))
    assert open_store(client.store.directory).faults() == []
