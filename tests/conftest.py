"""What every test runs under: no hub, no data folder of the user's, repeatable hypothesis runs."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# As important as the tests beside them: else, on a busy machine, their checkers run into time limits.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112, the name is Ray's
os.environ.pop("SLMR_DATA", None)
os.environ.pop("COLUMNS", None)  # readline, which pytest imports, exports one to the workers
# A shell that starts the tests in the background has them ignore Ctrl-C, and the processes that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Converted models are kept for the machine, so that each test run need not convert them anew; digests are not.


settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("repeatable")
