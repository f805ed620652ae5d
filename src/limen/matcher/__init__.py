"""The gallery in memory, 1:N search, fusion, decision; the matcher process."""

#: Environment of the matcher process: the C library overwrites memory as it is freed (with 90's complement), keeps
#: no unwritten blocks back in per-thread caches, and Python leaves all its memory to it. What a probe left in copies on
#: the way is gone with them. Read when a process starts, so its parent must set it.
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0",
    "PYTHONMALLOC": "malloc",
}
