"""Memory that a step frees is the next step's."""

import ctypes
import sys

_TRIM, _MMAPS, _ARENAS = -1, -4, -8  # M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX of glibc's malloc.h
_NEVER = (1 << 31) - 1  # bytes: as much as mallopt can be told


def keep_freed_memory() -> None:
    """Ask glibc's allocator not to give freed memory back to the system; elsewhere, nothing is asked.

    The same arrays are taken and freed again and again. By default each large one is mapped anew, and the system fills
    it page by page with zeros: half of the CPU time of encoding a training set, and more of a validation, went there.
    One arena for all threads, because those of other threads are small and are mapped anew beyond 64 MB.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "gnu_get_libc_version"):
        for option, value in ((_MMAPS, 0), (_TRIM, _NEVER), (_ARENAS, 1)):
            libc.mallopt(option, value)
