"""System calls by name, with their numbers: what a worker may make, and what a service may make besides.

name: (x86-64, 64-bit ARM); None where the architecture has no such call. <asm/unistd.h>, <asm-generic/unistd.h>
"""

from __future__ import annotations

Calls = dict[str, tuple[int, int | None]]

#: What computing and talking on open descriptors needs: all that a worker may do.
WORKER: Calls = {
    # memory
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "mincore": (27, 232),
    # open descriptors
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "close": (3, 57), "lseek": (8, 62),
    "fstat": (5, 80), "fcntl": (72, 25), "dup": (32, 23),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "recvfrom": (45, 207), "recvmsg": (47, 212), "sendto": (44, 206), "sendmsg": (46, 211), "shutdown": (48, 210),
    "getsockopt": (55, 209), "setsockopt": (54, 208), "getsockname": (51, 204), "getpeername": (52, 205),
    # time and chance
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "getrandom": (318, 278),
    # this process and its end
    "futex": (202, 98), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getpid": (39, 172),
    "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getrusage": (98, 165), "getcpu": (309, 168), "sysinfo": (99, 179), "uname": (63, 160), "rseq": (334, 293),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "set_robust_list": (273, 99), "restart_syscall": (219, 128), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
#: What libraries ask of files now and then, and go on without.
FILES_READ: Calls = {
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "stat": (4, None), "lstat": (6, None),
    "newfstatat": (262, 79), "statx": (332, 291), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17),
}  # fmt: skip
#: What a long-lived part does besides: files, servers, threads. Whether a file may be touched is Landlock's matter.
SERVICE: Calls = {
    # files
    "pread64": (17, 67), "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "fsync": (74, 82),
    "fdatasync": (75, 83), "ftruncate": (77, 46), "truncate": (76, 45), "fallocate": (285, 47), "flock": (73, 32),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "unlink": (87, None),
    "unlinkat": (263, 35), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "link": (86, None),
    "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36), "chmod": (90, None), "fchmod": (91, 52),
    "fchmodat": (268, 53), "chown": (92, None), "fchown": (93, 55), "fchownat": (260, 54), "umask": (95, 166),
    "getdents64": (217, 61), "chdir": (80, 49), "fchdir": (81, 50), "statfs": (137, 43), "fstatfs": (138, 44),
    "utimensat": (280, 88), "copy_file_range": (326, 285), "sendfile": (40, 71), "fadvise64": (221, 223),
    "sync_file_range": (277, 84),
    # memory
    "msync": (26, 227), "mlock": (149, 228), "mlock2": (325, 284), "mlockall": (151, 230),
    "mbind": (237, 235), "get_mempolicy": (239, 236), "membarrier": (324, 283),
    # servers and loops
    "dup2": (33, None), "dup3": (292, 24), "pipe": (22, None), "pipe2": (293, 59), "close_range": (436, 436),
    "eventfd2": (290, 19), "epoll_create": (213, None), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_wait": (232, None), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "accept": (43, 202),
    "accept4": (288, 242), "bind": (49, 200), "listen": (50, 201), "connect": (42, 203), "recvmmsg": (299, 243),
    "sendmmsg": (307, 269), "timerfd_create": (283, 85), "timerfd_settime": (286, 86), "timerfd_gettime": (287, 87),
    "signalfd4": (289, 74),
    # this process, its threads and children
    "wait4": (61, 260), "waitid": (247, 95), "getppid": (110, 173), "getpgid": (121, 155), "getpgrp": (111, None),
    "getsid": (124, 156), "set_tid_address": (218, 96), "getresuid": (118, 148), "getresgid": (120, 150),
    "getgroups": (115, 158), "prctl": (157, 167), "arch_prctl": (158, None), "capget": (125, 90),
    "getrlimit": (97, 163), "setrlimit": (160, 164), "sched_setaffinity": (203, 122), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141), "setitimer": (38, 103), "getitimer": (36, 102), "alarm": (37, None),
    "pause": (34, None), "times": (100, 153), "rt_sigpending": (127, 136), "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137), "adjtimex": (159, 171),
    # to give up more, and to ask what could be
    "seccomp": (317, 277), "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446), "capset": (126, 91),
}  # fmt: skip
#: Calls whose arguments decide (`seccomp`).
IOCTL = (16, 29)
SOCKET, SOCKETPAIR = (41, 198), (53, 199)
CLONE, FORK = (56, 220), (57, None)
KILL, TGKILL = (62, 129), (234, 131)
PRLIMIT = (302, 261)
#: From here on all architectures number calls alike, and libraries try older ones where these are not there.
RECENT = 424
