"""What a process gives up before it touches anything worth stealing: memory dumps, privileges, files, system calls.

Each step is a plain call into the kernel (prctl, rlimits, Landlock, seccomp), none needs root or a library. Steps that
a kernel lacks are named by `probe`, so that `limen doctor` can say so and production mode can refuse to start.
"""

from limen.confine.landlock import allow_only, deny_all, deny_programs
from limen.confine.probe import in_force
from limen.confine.process import (
    die_with_parent,
    give_back_memory,
    keep_capabilities,
    keep_private,
    let_itself_look,
    limit,
    lock_memory,
    new_privileges_never,
)
from limen.confine.seccomp import allow_little, allow_service

__all__ = [
    "allow_little",
    "allow_only",
    "allow_service",
    "deny_all",
    "deny_programs",
    "die_with_parent",
    "give_back_memory",
    "in_force",
    "keep_capabilities",
    "keep_private",
    "let_itself_look",
    "limit",
    "lock_memory",
    "new_privileges_never",
]
