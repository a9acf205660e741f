"""The trusted side's hold on a warm Python: it starts it, talks with it, and ends it.

Every wait has an end, and whatever is not as it should be is an `Ended` or an OSError.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from autograde.sandbox import bubblewrap

try:
    from autograde.sandbox.parent import HEADER, wipe
except ImportError:  # Windows: no rlimits, no fork
    HEADER = wipe = None

START_SECONDS, ANSWER_SECONDS, CLEAN_SECONDS, END_SECONDS = 60, 10, 10, 2
LINE_BYTES, READY_BYTES = 4096, 1 << 24


class Ended(Exception):
    """The warm Python ended, or says what it should not; the text is what it said last."""


class Channel:
    """A running warm Python, and the trusted side's end of its control channel; see `parent.py`.

    Args:
        program: bubblewrap's path, or None to run without.
        readable, folder_bytes: as of `bubblewrap.arguments`.

    Attributes:
        folder: the work folder's path, as the inside sees it.
        ended: how the submission ended, once that was read, or None.

    Raises:
        Ended: the program cannot be run.
    """

    def __init__(self, program, readable, folder_bytes):
        self.ended, self._received, self._errors = None, bytearray(), tempfile.TemporaryFile()
        self._own_folder = None if program else tempfile.mkdtemp(prefix="submission-")
        self.folder = self._own_folder or bubblewrap.FOLDER
        self.control, theirs = socket.socketpair()
        code = (
            f"import sys; sys.path.insert(0, {str(bubblewrap.ROOT)!r}); "
            f"from autograde.sandbox.parent import main; main({theirs.fileno()})"
        )
        # The options of -I but for -E: the environment is ours, and has the hash seed.
        command = [sys.executable, "-s", "-P", "-B", "-c", code]
        environment = bubblewrap.ENVIRONMENT | {"HOME": self.folder, "TMPDIR": self.folder}
        if program:
            told = bubblewrap.arguments(readable, folder_bytes, environment)
            command = [program, *told, "--", *command]
        self._popen = None
        try:
            with theirs, _first_to_go():
                self._popen = subprocess.Popen(
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    env=environment,
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            self.end()
            raise Ended(str(error)) from None

    def request(self, kind, body=b"", fd=None):
        self.control.settimeout(ANSWER_SECONDS)
        head = HEADER.pack(kind, len(body))
        if fd is None:
            self.control.sendall(head)
        elif socket.send_fds(self.control, [head], [fd]) != len(head):
            raise OSError("the control channel is full")
        self.control.sendall(body)

    def expect(self, word, seconds, most=LINE_BYTES):
        """The rest of the next line, which has to start with a word; "ended" may come before it.

        Raises:
            TimeoutError: it did not come in time.
            Ended: the warm Python is gone or out of order.
        """
        deadline = time.monotonic() + seconds
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if newline:
                self._received = rest
                said, _, rest = line.decode("utf-8", "replace").partition(" ")
                if said == "ended":
                    self.ended = rest
                if said == word:
                    return rest
                if said != "ended":
                    raise Ended(f"expected {word}, got {said[:20]!r}")
                continue
            if len(self._received) > most:
                raise Ended("it says too much")
            self.control.settimeout(max(deadline - time.monotonic(), 0.001))
            if not (part := self.control.recv(1 << 16)):
                raise Ended("it ended")
            self._received += part

    def end(self):
        """Kill it; the last line of what it wrote to its standard error."""
        self.control.close()  # it sees that, ends everyone, then itself
        for seconds in (END_SECONDS, ANSWER_SECONDS) if self._popen else ():
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
                break
            self._popen.kill()
        with self._errors as errors:
            errors.seek(0)
            said = errors.read(1 << 20).decode("utf-8", "replace").strip().splitlines()
        if self._own_folder:
            _remove(self._own_folder)
        return said[-1] if said else ""


def _remove(folder, tries=50):
    """Remove a work folder, also from under processes that are just dying in it."""
    while tries and os.path.lexists(folder):
        with suppress(OSError):
            wipe(folder)
            os.rmdir(folder)
            return
        tries -= 1
        time.sleep(0.02)


@contextmanager
def _first_to_go():
    """Processes started meanwhile are what Linux kills first where memory runs out."""
    score = Path("/proc/self/oom_score_adj")
    try:
        own = score.read_text()
        score.write_text("1000")
    except OSError:
        own = None
    try:
        yield
    finally:
        if own is not None:
            with suppress(OSError):
                score.write_text(own)
