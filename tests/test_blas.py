"""The scope that gives BLAS one thread."""

from __future__ import annotations

import threading

from xtensor.kernels import blas


def counts() -> list[int]:
    return [library.get_num_threads() for library in blas._libraries or []]


def test_the_scope_works_from_every_thread():
    """Also in a thread that was not the first to ask, whom threadpoolctl would ignore."""
    with blas.single_threaded():
        before = counts()
    seen: list[list[int]] = []

    def in_scope() -> None:
        with blas.single_threaded():
            seen.append(counts())

    for _ in range(2):
        thread = threading.Thread(target=in_scope)
        thread.start()
        thread.join()
    assert seen == [before] * 2 == [[1] * len(before)] * 2


def test_the_last_scope_to_close_restores_the_setting():
    outside = counts()
    with blas.single_threaded(), blas.single_threaded():
        pass
    assert counts() == outside or not outside
