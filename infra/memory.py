"""How much memory a command and its child processes took at most."""

import contextlib
import threading

import psutil

EVERY_SECONDS = 0.5


class PeakMemory:
    """Samples the resident memory of this process and its children during a block; shared pages count in each."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        me = psutil.Process()
        while True:
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident, [me, *me.children(recursive=True)])))
            if self._over.wait(EVERY_SECONDS):
                return


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return process.memory_info().rss
    return 0
