"""The sandbox: a warm Python inside bubblewrap, and one fork of it for each submission.

The trusted side, which has the hidden tests and the grades, holds a `Sandbox`; `parent.py` is what
runs inside, and forks. Between the trusted side and a submission there is one socket and no more.
"""

import json
import os
import shutil
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from autograde.sandbox import channel
from autograde.sandbox.channel import Channel, Ended

BUBBLEWRAP, SECCOMP, LIMITS = "bubblewrap", "seccomp", "limits"


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        memory_bytes: address space, on top of what the warm Python has already.
        cpu_seconds: processor time of all its threads, in whole seconds.
        file_bytes: the size of any one file.
        folder_bytes: all files of its work folder together.
        open_files: file descriptors at a time.
        files: files and folders in its work folder; counted 20 times a second.
        threads: threads at a time; counted as often.
    """

    memory_bytes: int = 1 << 30
    cpu_seconds: int = 120
    file_bytes: int = 32 << 20
    folder_bytes: int = 64 << 20
    open_files: int = 256
    files: int = 10_000
    threads: int = 64


class SandboxError(RuntimeError):
    """The sandbox itself does not work, whatever the submission; the text says why."""


class Sandbox:
    """A warm Python inside bubblewrap; one fork of it for each submission, one at a time.

    Where bubblewrap is missing or the kernel refuses it, the same Python runs without, and `off`
    says so. It never falls back once it has run with a protection: it raises `SandboxError`.

    bubblewrap dies with the thread that started it, so `start` belongs into one that stays. No two
    threads may use one at a time.

    Args:
        serve: "module:function", called in each child with its end of the socket.
        limits: what a submission may use.
        warm: modules that are imported once, before the first fork.
        readable: further files and folders that submissions may read, at the same paths.
        without: protections to leave off on purpose: "bubblewrap", "seccomp", "limits".
        needs: protections without which it does not start, such as another sandbox's.

    Attributes:
        protections: names of those that are on; known after `start`.
        off: a sentence for each that is not: what that means, and why.
    """

    def __init__(
        self,
        serve="autograde.sandbox.student:serve",
        limits=Limits(),  # noqa: B008 (frozen)
        warm=("numpy", "matplotlib.pyplot", "IPython.core.interactiveshell"),
        readable=(),
        without=(),
        needs=(),
    ):
        self.serve, self.limits, self.warm, self.without = serve, limits, tuple(warm), set(without)
        self.readable = tuple(os.path.abspath(path) for path in readable)
        self.protections, self._needs, self._off = (), set(needs), {}
        self._inside = self._process = self._fonts = None

    @property
    def off(self):
        return list(self._off.values())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Start the warm Python, if it does not run; it takes a second or two.

        Raises:
            SandboxError: it does not start, or not with all the protections that it needs or
                had before.
        """
        if self._inside is not None:
            return
        if channel.HEADER is None:
            raise SandboxError("the sandbox: expected Linux or macOS, got a system without fork")
        self._off = {}
        program, why = self._bubblewrap()
        try:
            if program and (refusal := self._launch(program)):
                why = f"bubblewrap was refused on this machine ({refusal})"
            if self._inside is None:
                rights = " with root's rights" if getattr(os, "geteuid", int)() == 0 else ""
                self._off[BUBBLEWRAP] = f"{why}: {WITHOUT[BUBBLEWRAP]}{rights}"
                self._launch(None)
        except Ended as error:
            raise SandboxError(f"the sandbox does not start: {error}") from None
        on = [name for name in (BUBBLEWRAP, SECCOMP, LIMITS) if name not in self._off]
        if lost := self._needs.difference(on):
            said = " ".join(self._off[name] for name in sorted(lost))
            self.close()
            raise SandboxError(f"the sandbox does not start with all it needs: {said}")
        self.protections, self._needs = tuple(on), set(on)

    def open(self, files=()):
        """A child of its own for one submission.

        Args:
            files: {relative name: bytes}, put into its work folder, which has nothing else.

        Raises:
            SandboxError: the sandbox does not work.
            ValueError: a file's name leads out of the work folder.
        """
        if self._process is not None:
            raise RuntimeError("Sandbox.open: expected the last Process closed, got one open")
        files = _checked(dict(files), self.limits.folder_bytes)
        head = json.dumps([[name, len(data)] for name, data in files.items()]).encode()
        body = b"".join([head, b"\n", *files.values()])
        for last in (False, True):  # the warm Python may have died since, for want of memory
            self.start()
            ours, theirs = socket.socketpair()
            ours.settimeout(channel.ANSWER_SECONDS)
            try:
                with theirs:
                    self._inside.request(b"F", body, theirs.fileno())
                self._inside.ended = None
                self._inside.expect("forked", channel.ANSWER_SECONDS)
            except (Ended, OSError) as error:
                ours.close()
                why = self.close() or error
                if last:
                    raise SandboxError(f"the sandbox does not fork: {why}") from None
            else:
                self._process = Process(self, self._inside, ours)
                return self._process

    def close(self):
        """End everything inside; the last line of what the warm Python had to say, or ""."""
        inside, self._inside, self._process = self._inside, None, None
        return inside.end() if inside is not None else ""

    def _clean(self):
        """Leave nothing of the submission that was, or throw the whole sandbox away."""
        self._process = None
        try:
            self._inside.request(b"C")
            self._inside.expect("clean", channel.CLEAN_SECONDS)
        except (Ended, OSError):
            self.close()

    # ------------------------------------------------------------------------------- how it starts

    def _bubblewrap(self):
        """bubblewrap's path, or None and the reason."""
        if BUBBLEWRAP in self.without:
            return None, "bubblewrap is switched off"
        program = shutil.which("bwrap")
        return program, "bubblewrap is missing (apt-get install bubblewrap)"

    def _launch(self, program):
        """Start the warm Python in bubblewrap, or without where `program` is None.

        Returns:
            What bubblewrap said if it could not set the sandbox up, else None.

        Raises:
            Ended: the warm Python itself does not start.
        """
        inside = Channel(program, self.readable, self.limits.folder_bytes)
        try:
            inside.request(b"S", json.dumps(self._settings(inside.folder)).encode())
            said = json.loads(inside.expect("ready", channel.START_SECONDS, channel.READY_BYTES))
        except (OSError, ValueError, Ended) as error:
            why = inside.end()
            if program and why.startswith("bwrap: "):
                return why
            raise Ended(why or str(error)) from None
        self._inside, self._fonts = inside, said["fonts"]
        for name, why in said["refused"].items():
            meaning = WITHOUT.get(name, "a submission can take more than it should")
            self._off[name] = f"the {name} was refused on this machine ({why}): {meaning}"

    def _settings(self, folder):
        bpf = None
        if SECCOMP in self.without:
            self._off[SECCOMP] = f"seccomp is switched off: {WITHOUT[SECCOMP]}"
        else:
            try:
                from autograde.sandbox.syscalls import compiled_filter

                bpf = compiled_filter().hex()
            except (ImportError, RuntimeError, OSError, ValueError) as error:
                why = f"seccomp cannot be had ({error}; pip install pyseccomp, apt-get install"
                self._off[SECCOMP] = f"{why} libseccomp2): {WITHOUT[SECCOMP]}"
        if LIMITS in self.without:
            self._off[LIMITS] = f"the limits are switched off: {WITHOUT[LIMITS]}"
        return {
            "folder": folder,
            "serve": self.serve,
            "warm": self.warm,
            "fonts": self._fonts or {},
            "filter": bpf,
            "limits": None if LIMITS in self.without else asdict(self.limits),
        }


WITHOUT = {
    BUBBLEWRAP: "a submission can read your files, hidden tests and grades among them, write to "
    "them, use the network, and fill the disk",
    SECCOMP: "a submission can start processes that outlive it, and signal or trace yours",
    LIMITS: "a submission can take all memory and processor time",
}


class Process:
    """One submission's process.

    Attributes:
        socket: our end of the socket that `serve` has the other end of. What comes out of it is a
            stranger's: bound what you read. Its time-out is 10 s until you set another.
    """

    def __init__(self, sandbox, inside, sock):
        self._sandbox, self._inside, self.socket = sandbox, inside, sock
        self._ended = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def interrupt(self):
        """A KeyboardInterrupt in its code, which may catch it."""
        self._request(b"I")

    def kill(self):
        """End it and everything it left behind."""
        self._request(b"K")

    def wait(self, timeout):
        """How it ended, in words for a report, or None if it still runs after `timeout` seconds.

        What the words say of a limit is as well as can be told; a submission can imitate them.

        "exit code 1", "signal 11 (segmentation fault)", "memory limit", "CPU limit of 120 s",
        "limit of 10000 files", "killed".
        """
        if self._ended is None and self._is_open:
            try:
                self._ended = self._inside.ended or self._inside.expect("ended", timeout)
            except TimeoutError:
                return None
            except (OSError, Ended):
                pass
        self._ended = self._ended or "the sandbox itself ended"
        return self._ended

    def close(self):
        """Kill it, empty its work folder, free everything: nothing of it is left."""
        self.socket.close()
        if self._is_open:
            self._sandbox._clean()
            self._ended = self._ended or self._inside.ended

    @property
    def _is_open(self):
        return self._sandbox._process is self

    def _request(self, kind):
        if self._is_open:
            with suppress(OSError):  # then `wait` says so, and `close` starts anew
                self._inside.request(kind)


def _checked(files, most):
    """The files of a submission, if each has a name inside the work folder, and all fit into it."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise ValueError(f"files: expected names inside the work folder, got {name!r}")
    if (size := sum(map(len, files.values()))) > most:
        raise ValueError(f"files: expected at most {most} bytes, got {size}")
    return files
