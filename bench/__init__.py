"""The benchmark suite: ``pip install '.[bench]' && pytest bench``, with ``torch`` for its ratios.

A file is a family of cases and a case is one line of a table in it. ``paired.py`` measures,
``libraries.py`` knows how each library is called, ``report.py`` prints, ``conftest.py`` ties them
to pytest-benchmark; ``python -m bench --html report.html`` runs them and writes a page. Nothing
here passes or fails by the clock; a wrong result does fail.
"""
