"""The filter of system calls that every submission runs under, compiled by libseccomp.

It refuses what starts a process, opens a way out of the sandbox, reaches another process, or
takes memory that no limit counts. A chmod does nothing, and says that it did. Everything else,
threads among it, works as always.
"""

import errno
import functools
import tempfile

from autograde.sandbox.parent import OWN_PID

REFUSED = {
    "new processes": "fork vfork execve execveat",
    "other processes": """ptrace process_vm_readv process_vm_writev process_madvise kcmp
        pidfd_open pidfd_getfd pidfd_send_signal tkill rt_sigqueueinfo rt_tgsigqueueinfo
        setpriority ioprio_set sched_setparam sched_setscheduler sched_setattr sched_setaffinity
        migrate_pages move_pages""",
    "name spaces and mounts": """unshare setns mount umount umount2 pivot_root chroot move_mount
        open_tree fsopen fsconfig fsmount fspick mount_setattr swapon swapoff name_to_handle_at
        open_by_handle_at fanotify_init""",
    "network": "socket socketcall",
    "memory that no limit counts": """memfd_create shmget shmat shmctl shmdt msgget msgsnd msgrcv
        msgctl semget semop semtimedop semctl mq_open mq_unlink mq_timedsend mq_timedreceive
        mq_notify mq_getsetattr add_key keyctl request_key""",
    "leftovers on the work folder": """setxattr lsetxattr fsetxattr removexattr lremovexattr
        fremovexattr""",
    "the kernel": """bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
        personality kexec_load kexec_file_load init_module finit_module delete_module reboot syslog
        acct quotactl settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname
        iopl ioperm modify_ldt vhangup lookup_dcookie nfsservctl uselib""",
}
# Younger than some libseccomp; since Linux 5.0 a number is the same on every architecture.
# memfd_secret, setxattrat, removexattrat, open_tree_attr
REFUSED_NUMBERS = (447, 463, 466, 467)
# A submission of root's is, to the kernel, the owner of /dev/null: it would lock everyone out.
PRETENDED = "chmod fchmod fchmodat"
PRETENDED_NUMBERS = (452,)  # fchmodat2
BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and the same by force
CLONE_THREAD = 0x00010000
SOCK_DGRAM = 2


@functools.cache
def compiled_filter():
    """The filter as BPF, with OWN_PID where the pid of the process that it is for belongs.

    Raises:
        ImportError: pyseccomp is missing.
        RuntimeError: libseccomp is missing.
        OSError, ValueError: libseccomp is too old for it.
    """
    import pyseccomp as seccomp

    refuse = seccomp.ERRNO(errno.EPERM)
    calls = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in " ".join(REFUSED.values()).split():
        calls.add_rule(refuse, name)
    for number in REFUSED_NUMBERS:
        calls.add_rule(refuse, number)
    for call in (*PRETENDED.split(), *PRETENDED_NUMBERS):
        calls.add_rule(seccomp.ERRNO(0), call)
    for option in BUFFER_SIZES:
        calls.add_rule(refuse, "setsockopt", seccomp.Arg(2, seccomp.EQ, option))
    calls.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    # A filter cannot look at clone3's flags; without it, the C library makes threads by clone.
    calls.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for name in ("kill", "tgkill"):
        calls.add_rule(refuse, name, seccomp.Arg(0, seccomp.NE, OWN_PID))
    calls.add_rule(refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    # One end of a datagram pair can write to any socket that has a path.
    calls.add_rule(refuse, "socketpair", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, SOCK_DGRAM))
    with tempfile.TemporaryFile() as file:
        calls.export_bpf(file)
        file.seek(0)
        return file.read()
