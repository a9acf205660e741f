"""The warm Python of a sandbox: PID 1 inside bubblewrap, one fork of it for each submission.

It speaks with the trusted side over one socket, its control channel. Requests are a letter, a
length and a body; answers are a line each:

    settings   S, once          "ready {...}"     what was refused, and the font list
    fork       F, with a socket "forked"          and some day "ended exit code 0"
    interrupt  I                nothing
    kill       K                nothing           but "ended killed"
    clean      C                "clean"           nobody runs, and the work folder is as new

No student code runs in this process, and a child has neither its control channel nor a way to
trace it.
"""

import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from contextlib import suppress

HEADER = struct.Struct("!cQ")
OWN_PID = 0x5A17C0DE  # stands in the compiled filter where the child's own pid belongs
WATCH_SECONDS = 0.05  # how often a running submission's files and threads are counted
PROCESSES = 4096  # RLIMIT_NPROC; counts all of a user's, so it is no more than a backstop
OUT_OF_MEMORY, NOT_LOCKED_DOWN = 121, 122  # exit codes
LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38


def main(fd):
    control = socket.socket(fileno=fd)
    Parent(control, json.loads(receive(control)[1])).loop()


def receive(control):
    """The next request: its letter, its body, and the file descriptor that came with it or None.

    Raises:
        EOFError: the trusted side is gone.
    """
    head, fds, _, _ = socket.recv_fds(control, HEADER.size, 1)
    kind, size = HEADER.unpack(head + exactly(control, HEADER.size - len(head), head))
    return kind, exactly(control, size), (fds[0] if fds else None)


def exactly(control, size, seen=b"nothing yet"):
    body = bytearray()
    while len(body) < size:
        if not seen or not (part := control.recv(min(size - len(body), 1 << 20))):
            raise EOFError
        body += part
    return bytes(body)


class Parent:
    def __init__(self, control, settings):
        self.control = control
        self.folder, self.limits = settings["folder"], settings["limits"]
        self.alone = os.getpid() == 1  # in a PID namespace of its own
        self.child = self.reason = None
        if LINUX:
            self.libc = ctypes.CDLL(None, use_errno=True)
            self.libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
            self._prctl(PR_SET_CHILD_SUBREAPER, 1)
        # Python's own handler would be one that a child can have called by a signal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        fonts = self._warm_up(settings["warm"], settings["fonts"])
        module, _, name = settings["serve"].partition(":")
        self.serve = getattr(importlib.import_module(module), name)
        if LINUX:
            self._prctl(PR_SET_DUMPABLE, 0)  # no child may trace it or read its /proc
        self._wake, wakes = os.pipe()
        for end in (self._wake, wakes):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        gc.collect()
        gc.freeze()  # else every child copies what its garbage collector touches
        self.steps = self._steps(settings["filter"])
        refused = {name: why for name, step in self.steps.items() if (why := self._refused(step))}
        self.steps = {name: step for name, step in self.steps.items() if name not in refused}
        wipe(self.folder)
        self._say("ready " + json.dumps({"refused": refused, "fonts": fonts}))

    def _warm_up(self, modules, fonts):
        """Import them; `fonts` are matplotlib's cache files from an earlier start, by name.

        Of a module written `module:function` the function is called as well.
        """
        cache = os.path.join(self.folder, ".matplotlib")
        os.environ["MPLCONFIGDIR"] = cache
        os.makedirs(cache, mode=0o700)
        for name, text in fonts.items():
            _write(os.path.join(cache, name), text.encode())
        for entry in modules:
            module, _, function = entry.partition(":")
            module = importlib.import_module(module)
            if function:
                getattr(module, function)()
        found = [entry for entry in os.scandir(cache) if entry.name.startswith("fontlist")]
        return {entry.name: open(entry.path, encoding="utf-8").read() for entry in found}

    def loop(self):
        try:
            while True:
                patience = None if self.child is None else WATCH_SECONDS
                ready, _, _ = select.select([self.control, self._wake], [], [], patience)
                with suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap(os.WNOHANG)
                self._watch()
                if self.control in ready:
                    self._answer(*receive(self.control))
        except EOFError:
            self._kill_everyone()
            if not self.alone:
                wipe(self.folder)
                os.rmdir(self.folder)

    def _answer(self, kind, body, fd):
        if kind == b"F":
            self._fork(body, fd)
        elif kind == b"I" and self.child is not None:
            os.kill(self.child, signal.SIGINT)
        elif kind == b"K":
            self.reason = self.reason or "killed"
            self._kill_everyone()
        elif kind == b"C":
            self.reason = self.reason or "killed"
            self._kill_everyone()
            wipe(self.folder)
            self._say("clean")

    def _fork(self, body, fd):
        head, _, data = body.partition(b"\n")
        for name, size in json.loads(head):
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            _write(path, data[:size])
            data = data[size:]
        self.reason = None
        self.child = os.fork()
        if self.child == 0:
            self._student(fd)
        os.close(fd)
        self._say("forked")

    def _say(self, line):
        self.control.sendall(line.encode() + b"\n")

    # ------------------------------------------------------------------------------ in the child

    def _student(self, fd):
        """Lock this process down, serve, and end it."""
        code = NOT_LOCKED_DOWN
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.detach()
            self._let_go_of_everything_but(fd)
            os.chdir(self.folder)
            for step in self.steps.values():
                step()
            code = 1
            sock, serve = socket.socket(fileno=fd), self.serve
            del self
            signal.signal(signal.SIGINT, signal.default_int_handler)
            serve(sock)
            code = 0
        except MemoryError:
            code = OUT_OF_MEMORY
        finally:
            os._exit(code)

    def _let_go_of_everything_but(self, fd):
        os.setsid()
        os.umask(0o077)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.closerange(3, fd)
        os.closerange(fd + 1, max(1 << 16, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        if LINUX:
            self._prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self._prctl(PR_SET_NO_NEW_PRIVS, 1)

    def _steps(self, bpf):
        """{protection: a function that puts it on the calling process}, in the order to take."""
        limits, kept = self.limits, {"core dump limit": (resource.RLIMIT_CORE, 0)}
        if limits:
            kept |= {
                "open files limit": (resource.RLIMIT_NOFILE, limits["open_files"]),
                "file size limit": (resource.RLIMIT_FSIZE, limits["file_bytes"]),
                "CPU limit": (resource.RLIMIT_CPU, limits["cpu_seconds"]),
                "process limit": (resource.RLIMIT_NPROC, PROCESSES),
            }
            if LINUX:
                with open("/proc/self/statm") as statm:
                    own = int(statm.read().split()[0]) * resource.getpagesize()
                kept["memory limit"] = (resource.RLIMIT_AS, own + limits["memory_bytes"])
        steps = {name: lambda what=what: _limit(*what) for name, what in kept.items()}
        if bpf:
            steps["seccomp"] = lambda: self._seccomp(bytes.fromhex(bpf))
        return steps

    def _seccomp(self, bpf):
        bpf = bpf.replace(struct.pack("=I", OWN_PID), struct.pack("=I", os.getpid()))
        code = ctypes.create_string_buffer(bpf, len(bpf))
        program = struct.pack("@HP", len(bpf) // 8, ctypes.addressof(code))
        program = ctypes.create_string_buffer(program, len(program))
        self._prctl(PR_SET_NO_NEW_PRIVS, 1)
        self._prctl(PR_SET_SECCOMP, 2, ctypes.addressof(program))

    def _prctl(self, option, value, argument=0):
        if self.libc.prctl(option, value, argument, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"prctl {option}: {os.strerror(number)}")

    def _refused(self, step):
        """Why this system refuses a protection, found by trying it in a child; or None."""
        child = os.fork()
        if child == 0:
            code = 255
            try:
                step()
                code = 0
            except OSError as error:
                code = error.errno or 255
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return os.strerror(code) if code > 0 else f"signal {-code}" if code else None

    # --------------------------------------------------------------------------- how a child ends

    def _watch(self):
        """Kill a submission with too many files or threads, which no rlimit counts."""
        if self.child is None or not self.limits or self.reason:
            return
        if self.alone:
            disk = os.statvfs(self.folder)
            if disk.f_files - disk.f_ffree > self.limits["files"]:
                self.reason = f"limit of {self.limits['files']} files"
        with suppress(OSError):
            threads = os.stat(f"/proc/{self.child}/task").st_nlink - 2
            if threads > self.limits["threads"]:
                self.reason = f"limit of {self.limits['threads']} threads"
        if self.reason:
            self._kill_everyone()

    def _kill_everyone(self):
        """End every process but this one, and wait until they are gone."""
        while True:
            for pid in [-1] if self.alone else self._children():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not self._reap(0):
                return

    def _children(self):
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as children:
                return [int(pid) for pid in children.read().split()]
        except OSError:
            return [] if self.child is None else [self.child]

    def _reap(self, flags):
        """Bury a dead process (with WNOHANG all there are); False if there is no process left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, flags)
            except ChildProcessError:
                return False
            if pid == self.child:
                self.child = None
                self._say(f"ended {self._how(os.waitstatus_to_exitcode(status), usage)}")
            if pid == 0 or flags == 0:
                return True

    def _how(self, code, usage):
        if self.reason:
            return self.reason
        if code == OUT_OF_MEMORY:
            return "memory limit"
        if code == NOT_LOCKED_DOWN:
            return "the sandbox could not lock its process down"
        if code >= 0:
            return f"exit code {code}"
        seconds = self.limits["cpu_seconds"] if self.limits else float("inf")
        if -code == signal.SIGXCPU or usage.ru_utime + usage.ru_stime >= seconds:
            return f"CPU limit of {seconds} s"
        return f"signal {-code} ({(signal.strsignal(-code) or 'unknown').lower()})"


def wipe(folder):
    """Make a folder as empty as new, whatever is in it; no process may be at work in it.

    A folder inside is emptied by moving its folders up, so no path gets long and no stack deep.
    """
    os.chmod(folder, 0o700)
    fresh, moved = os.urandom(16).hex(), 0
    while names := os.listdir(folder):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        os.chmod(entry.path, 0o700)
                        os.rename(entry.path, os.path.join(folder, f"{fresh}{moved}"))
                        moved += 1
                    else:
                        os.unlink(entry.path)
            os.rmdir(path)
    os.utime(folder, (0, 0))


def _limit(which, amount):
    most = resource.getrlimit(which)[1]
    if most != resource.RLIM_INFINITY:
        amount = min(amount, most)
    # Of processor time a second more, for SIGXCPU to come before SIGKILL.
    more = which == resource.RLIMIT_CPU and most == resource.RLIM_INFINITY
    resource.setrlimit(which, (amount, amount + more))


def _write(path, data):
    with open(path, "wb") as file:
        file.write(data)
