"""The end of a process whose parent is gone."""

import os
import signal
import threading
import time

CHECK_SECONDS = 0.5
GRACE_SECONDS = 12.0  # more than a web process takes to end its requests


def end_with(parent_pid: int) -> None:
    """End this process, gracefully at first, once it is no longer a child of `parent_pid`.

    A parent that was killed can't stop its children, and they would go on holding its port.
    Asking for the parent works on every Unix; PR_SET_PDEATHSIG only on Linux.
    """
    threading.Thread(target=_watch, args=(parent_pid,), name="lifeline", daemon=True).start()


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
