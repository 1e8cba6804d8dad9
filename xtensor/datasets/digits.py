"""The UCI handwritten digits: 1,797 images of 8x8 pixels, real handwriting from 13 people."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

HELD_OUT_EVERY = 5
"""Images 0, 5, 10, ... are held out; all others are for training."""

_BRIGHTEST = 16
"""A stored pixel counts the dark dots in a 4x4 block of the scanned bitmap: 0 to 16."""


def load_digits() -> tuple[
    NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]
]:
    """Read the bundled digits, split into a training part and a held-out fifth.

    The split is a fixed rule without any randomness: counted from the first, every fifth
    image (number 0, 5, 10, ...) is held out. All 13 writers therefore appear in both parts;
    the held-out accuracy says nothing about a 14th.

    Returns:
        ``(train_images, train_labels, test_images, test_labels)``: new arrays at every call.

        - ``train_images``: float32 ``[1437, 1, 8, 8]`` (number, channel, row, column), 0 to 1
        - ``train_labels``: int64 ``[1437]``, the digit shown, 0 to 9
        - ``test_images``: float32 ``[360, 1, 8, 8]``
        - ``test_labels``: int64 ``[360]``

    Source: the test set of E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
    Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0),
    as copied by scikit-learn; the terms are in ``digits_LICENSE.txt`` beside this file.

    Example:
        >>> from xtensor.datasets import load_digits
        >>> train_images, train_labels, test_images, test_labels = load_digits()
        >>> train_images.shape, test_images.shape
        ((1437, 1, 8, 8), (360, 1, 8, 8))
        >>> test_labels[:10].tolist()
        [0, 5, 0, 5, 0, 5, 0, 5, 8, 3]
        >>> for row in test_images[0, 0]:
        ...     print("".join(" .:#"[int(pixel * 3.99)] for pixel in row).rstrip())
          .#:
          ##:#.
          #  :.
          :  ..
         ..  :.
          :  :.
          #.::
          .#:
    """
    with files(__package__).joinpath("digits.npz").open("rb") as file:
        data = np.load(file, allow_pickle=False)
        pixels, digits = data["images"], data["labels"]
    images = pixels[:, np.newaxis].astype(np.float32) / np.float32(_BRIGHTEST)
    labels = digits.astype(np.int64)
    held_out = np.arange(len(labels)) % HELD_OUT_EVERY == 0
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]
