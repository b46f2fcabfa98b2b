"""`slmr serve-reward`: it says where it listens, and Ctrl-C ends it when what is under way is answered."""

from __future__ import annotations

import http.client
import json
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from slmr.errors import RequestError
from slmr.rewards.service import RewardServer
from tests.cli.commands import begun, refused


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


def asked(host: str, port: int, count: int) -> list[float | None]:
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request(
        "POST", "/reward", json.dumps({"completions": ["It is 7"] * count, "gold": ["7"] * count})
    )
    return json.loads(connection.getresponse().read())["rewards"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(
    running: tuple[Popen[str], str, int], number: signal.Signals
) -> None:
    process, host, port = running
    assert host == "127.0.0.1" and asked(host, port, 1) == [0.5]
    many: list[float | None] = []
    under_way = threading.Thread(target=lambda: many.extend(asked(host, port, 200_000)))
    under_way.start()
    under_way.join(0.5)  # so that it is being judged when the signal comes
    assert under_way.is_alive()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    under_way.join()
    assert process.returncode == 0 and out == "" and "Traceback" not in err
    assert many == [0.5] * 200_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["numerc"], "did you mean 'numeric'"),
        (["numeric", "--form", "lenient"], "unknown form 'lenient'"),
        (["numeric", "--form", "any", "--lenient-weight", "0.5"], "beside form 'any'"),
        (["numeric", "--host", "203.0.113.7"], "cannot listen on 203.0.113.7, port 8700"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in refused("serve-reward", *arguments, cwd=tmp_path)


def test_who_opens_it_to_others_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from slmr.cli.serve_reward import serve_reward_command

    monkeypatch.setattr(RewardServer, "serve_forever", lambda self: None)
    for host, told in (("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False), ("::1", False)):
        try:
            serve_reward_command("numeric", host=host, port=0)
        except RequestError:
            assert host == "::1"  # a machine without IPv6
            continue
        assert ("everybody who reaches" in capsys.readouterr().err) is told
