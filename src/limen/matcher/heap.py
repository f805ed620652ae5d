"""No block of memory outlives its array: numpy gives every one back to the C library, which overwrites it.

By itself numpy keeps freed blocks below 1 KB for its next arrays, as they are: most minutiae templates fit into them,
and the forgetting drill found them there after their search. So it is given another allocator (NEP 49): CPython's raw
one, whose functions have the signatures that numpy wants and do nothing but call the C library.
"""

from __future__ import annotations

import ctypes
from importlib import import_module

_RAW = 0  # PYMEM_DOMAIN_RAW (CPython, Include/cpython/pymem.h)
_SET_HANDLER = 304  # PyDataMem_SetHandler's place in numpy's C API, fixed since numpy 1.22


class _Allocator(ctypes.Structure):
    """PyMemAllocatorEx, and numpy's PyDataMemAllocator, whose `free` gets a size besides, which is not needed."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


class _Handler(ctypes.Structure):
    """PyDataMem_Handler."""

    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("allocator", _Allocator)]


_handler = _Handler(b"limen_plain_heap", 1)  # lives as long as arrays that were made with it


def keep_no_blocks() -> None:
    """Make arrays straight from the heap, in this context: the calling thread's, and asyncio tasks that it starts."""
    ctypes.pythonapi.PyMem_GetAllocator(_RAW, ctypes.byref(_handler.allocator))
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    api = import_module("numpy._core._multiarray_umath")._ARRAY_API
    table = ctypes.cast(pointer(api, None), ctypes.POINTER(ctypes.c_void_p))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[_SET_HANDLER])
    set_handler(new(ctypes.addressof(_handler), b"mem_handler", None))
