"""What there is inside the sandbox: name spaces of its own, and the little that it may see."""

import os
import site
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "/submission"  # the work folder, the one place to write to

ISOLATION = """--unshare-all --unshare-user --uid 1000 --gid 1000 --cap-drop ALL --disable-userns
    --clearenv --new-session --die-with-parent --as-pid-1 --hostname sandbox""".split()
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = """/lib /lib32 /lib64 /usr/lib /usr/lib32 /usr/lib64 /usr/share/fonts /usr/share/zoneinfo
    /etc/ld.so.cache /etc/alternatives""".split()
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # else every thread reserves address space, which is limited
    "PYTHONHASHSEED": "0",
}


def arguments(readable, folder_bytes, environment):
    """What bubblewrap is told.

    Args:
        readable: files and folders that are there as they are outside, for reading.
        folder_bytes: the size of the work folder.
        environment: all the variables that there are.
    """
    told = [*ISOLATION, "--proc", "/proc", "--tmpfs", "/dev", "--dir", "/dev/shm"]
    for device in DEVICES:
        told += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    # Where the project lies inside something readable, what is the instructor's own is hidden.
    own = str(ROOT / "autograde")
    for path in [*SYSTEM, *_python()]:
        told += _read_only(path)
    for path in readable:
        told += ["--ro-bind", path, path]
    told += ["--tmpfs", own]
    for path in project():
        told += _read_only(path)
    size = str(folder_bytes)
    told += ["--perms", "0700", "--size", size, "--tmpfs", FOLDER, "--chdir", FOLDER]
    # Also /proc: who grades as root is the owner of the kernel's settings in /proc/sys, inside too.
    for path in (own, "/dev", "/proc", "/"):
        told += ["--remount-ro", path]
    for name, value in environment.items():
        told += ["--setenv", name, value]
    return told


def _read_only(path):
    if os.path.islink(path):
        return ["--symlink", os.readlink(path), str(path)]
    return ["--ro-bind-try", str(path), str(path)]


def _python():
    """The parts of the Python environment that running needs."""
    real = Path(sys.executable).resolve().parents[1]
    prefixes = dict.fromkeys([sys.prefix, sys.base_prefix, str(real)])
    for prefix in prefixes:
        for part in ("bin", "lib", "lib64", "pyvenv.cfg"):
            yield os.path.join(prefix, part)
    yield from site.getsitepackages()


def project():
    """The parts of the project that a submission may read."""
    own = ROOT / "autograde"
    parts = [ROOT / "helpers", own / "exercises", own / "sandbox", *sorted(own.glob("*.py"))]
    return [str(part) for part in parts]
