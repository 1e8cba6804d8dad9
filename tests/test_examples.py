"""The examples reach the figures they state, run as a reader runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed_by(name, directory):
    """What an example prints, run in an empty directory."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=directory, capture_output=True, text=True,
        encoding="utf-8", timeout=300,
        env={
            **os.environ,
            "NUMBA_ENABLE_CUDASIM": "0",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert os.listdir(directory) == []
    return done.stdout


@pytest.mark.slow
def test_the_autoencoder_beats_the_best_linear_code(tmp_path):
    printed = printed_by("autoencoder.py", tmp_path)
    error, linear = map(float, re.findall(r"held-out error ([\d.]+), linear ([\d.]+)", printed)[0])
    assert error < 0.009 < linear
    assert "ConvT2D" in printed


@pytest.mark.slow
def test_an_lstm_reads_digits_as_lists_of_pixels(tmp_path):
    printed = printed_by("lstm_sequences.py", tmp_path)
    assert float(re.findall(r"held-out accuracy ([\d.]+)", printed)[0]) > 0.95
    assert "lists of 16 to 39 pixels" in printed


@pytest.mark.slow
def test_a_gru_writes_like_the_manual(tmp_path):
    printed = printed_by("gru_text.py", tmp_path)
    figures = r"unseen text: ([\d.]+) bits per character, the table ([\d.]+)\. It writes:"
    unseen, table = map(float, re.findall(figures, printed)[0])
    assert unseen < 2.2 < table
    written = printed[printed.index("It writes:") :]
    assert len(written) > 300
    assert len(set(written.lower().split()) & {"the", "a", "is", "of", "to", "and", "in"}) >= 4
