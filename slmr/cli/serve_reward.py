"""`slmr serve-reward`: the checkers as a reward over HTTP, for trainers in other processes."""

from __future__ import annotations

import sys
from typing import Annotated, cast

import typer

from slmr import signals
from slmr.engines.endpoint import is_loopback
from slmr.rewards.grader import Grader
from slmr.rewards.payment import Form
from slmr.rewards.service import ROUTES, RewardServer

EXAMPLES = (
    "slmr serve-reward numeric",
    "slmr serve-reward lab_math --port 8700 --lenient-weight 0.1",
    "slmr serve-reward gsm8k_platinum --gold answer --form any",
)


def serve_reward_command(
    task_or_kind: Annotated[str, typer.Argument(help="A task, or numeric, math or choice.")],
    host: Annotated[str, typer.Option(help="Address to listen on; there is no authentication.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8700,
    gold: Annotated[str, typer.Option(help="The key of the right answers in a request to /reward.")] = "gold",
    form: Annotated[
        str, typer.Option(help="Which right answers pay 1: strict (in the requested form) or any.")
    ] = "strict",
    lenient_weight: Annotated[
        float,
        typer.Option(min=0, max=1, help="What a right answer in another form pays, with --form strict."),
    ] = 0.0,
) -> None:
    """Serve a checker as a reward over HTTP."""
    grader = Grader(task_or_kind, gold, cast(Form, form), lenient_weight)  # refuses any other form
    server = RewardServer(grader, host, port)
    if not is_loopback(host):
        print(f"slmr: everybody who reaches {host} can have completions judged", file=sys.stderr)
    print(
        f"Rewards by {task_or_kind}: POST {server.url}{f', {server.url}'.join(ROUTES)}; Ctrl-C ends it",
        flush=True,
    )
    try:
        server.serve_forever()
    except (signals.Stopped, KeyboardInterrupt):
        signals.acknowledge()
        print("slmr: stopping; requests under way are answered", file=sys.stderr)
    finally:
        server.server_close()
