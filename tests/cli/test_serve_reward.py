"""`slmr serve-reward`: it says where it listens, and Ctrl-C ends it when what is under way is answered."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from slmr.errors import RequestError
from slmr.rewards.service import RewardServer
from tests.cli.commands import begun, refused

PATIENCE = 300  # seconds, on a busy machine


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Popen[str], str, int]]:
    process = begun("serve-reward", "lab_gsm8k", "--port", "0", "--lenient-weight", "0.5", cwd=tmp_path)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"POST http://([\d.]+):(\d+)/reward", line)
    assert found, line
    yield process, found[1], int(found[2])
    process.kill()
    process.communicate()


BODY = json.dumps({"completions": ["It is 7"], "gold": ["7"]}).encode()


def asked(host: str, port: int) -> list[float | None]:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    connection.request("POST", "/reward", BODY)
    return json.loads(connection.getresponse().read())["rewards"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_what_is_under_way_when_it_is_told_to_stop(
    running: tuple[Popen[str], str, int], number: signal.Signals
) -> None:
    process, host, port = running
    assert host == "127.0.0.1" and process.stderr is not None
    with socket.create_connection((host, port), timeout=PATIENCE) as slow:
        slow.sendall(b"POST /reward HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY[:5])
        assert asked(host, port) == [0.5]  # who came later has been answered, so the first is being read
        process.send_signal(number)
        assert process.stderr.readline() == "slmr: stopping; requests under way are answered\n"
        slow.sendall(BODY[5:])
        reply = b"".join(iter(lambda: slow.recv(65536), b""))
    assert b"200 OK" in reply and b'"rewards": [0.5]' in reply
    assert process.communicate(timeout=PATIENCE) == ("", "") and process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["numerc"], "did you mean 'numeric'"),
        (["numeric", "--form", "lenient"], "unknown form 'lenient'"),
        (["numeric", "--form", "any", "--lenient-weight", "0.5"], "with form 'any'"),
        (["numeric", "--host", "203.0.113.7"], "cannot listen on 203.0.113.7, port 8700"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in refused("serve-reward", *arguments, cwd=tmp_path)


def test_who_opens_it_to_others_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from slmr.cli.serve_reward import serve_reward_command

    monkeypatch.setattr(RewardServer, "serve_forever", lambda self: None)
    for host, told in (("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False), ("::1", False)):
        try:
            serve_reward_command("numeric", host=host, port=0)
        except RequestError:
            assert host == "::1"  # a machine without IPv6
            continue
        assert ("everybody who reaches" in capsys.readouterr().err) is told
