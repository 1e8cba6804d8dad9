"""``python -m xtensor run``: a script that says ``pyvqnet.xtensor``, run on xtensor."""

from __future__ import annotations

import argparse
import builtins
import os
import sys
import types
from collections.abc import Sequence
from typing import Any

from .. import compat

INTERRUPTED = 130


def add_to(commands: Any) -> None:
    """Enter the command."""
    parser = commands.add_parser(
        "run", help="run a script written for pyvqnet.xtensor, without changing it"
    )
    parser.add_argument("script", help="the file")
    rest = parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script gets")
    rest.required = False  # which else it is said to be
    parser.set_defaults(run=run)


def run(script: str, arguments: Sequence[str] = ()) -> int:
    """Do what ``python script arguments...`` does, with the old names in place.

    Returns:
        0, or 1 after an exception, which is shown as Python shows it, 2 where there is no file to
        run, 130 after Ctrl-C. A SystemExit of the script comes through.
    """
    try:
        with open(script, "rb") as file:
            source = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"python -m xtensor run: cannot read {script!r}: {reason}", file=sys.stderr)
        return 2
    compat.install()
    path = os.path.abspath(script)
    main = types.ModuleType("__main__")
    vars(main).update(__file__=path, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = main
    sys.argv[:] = [script, *arguments]
    # python -m has put the working directory here, python script would put the script's; neither
    # does in safe mode (-P, -I).
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    try:
        exec(compile(source, path, "exec", dont_inherit=True), vars(main))
    except SystemExit:
        raise
    except BaseException as error:
        # Without the frame of this function, which comes first.
        trace = error.__traceback__ and error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0
