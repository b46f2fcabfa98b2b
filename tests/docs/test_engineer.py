"""The engineer's path as somebody follows it: from an empty folder, by a shell and a Python, and nothing smaller.

`test_docs.py` runs the same blocks in this process, on little data.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.docpages import ROOT, Block, blocks, expected_lines

PAGE = ROOT / "docs/howto/engineer.md"


def environment() -> dict[str, str]:
    """With this checkout's slmr, its command, and none of the data that other tests have."""
    paths = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".strip(os.pathsep)
    commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {k: v for k, v in os.environ.items() if k != "SLMR_DATA"} | {"PYTHONPATH": paths, "PATH": commands}


def run(words: list[str], folder: Path, block: Block) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"line {block.line}: {done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_block_from_an_empty_folder(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    page = blocks(PAGE)
    code = [block for block in page if block.language == "python" and not block.title]
    for block in page:
        if block.title:
            (tmp_path / block.title).write_text(block.text)
        elif block is code[-1]:  # one file, with the blocks before it
            script.write_text("".join(part.text for part in code))
            printed = run([sys.executable, script.name], tmp_path, block)
            assert printed.splitlines()[-1:] == list(expected_lines(block.text))
        elif block.language == "bash" and not block.text.startswith("pip "):
            run(["bash", "-euc", block.text], tmp_path, block)
    for made in (
        "trained/model.safetensors",
        "out/trainer_state.json",
        "gate.xml",
        "gate.md",
        "exported",
        "logs",
    ):
        assert (tmp_path / made).exists(), made
