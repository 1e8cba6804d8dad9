"""The bundled digits: what the file holds, and the split that every accuracy is quoted on."""

import hashlib

import numpy as np
import pytest

from xtensor.datasets import load_digits

# Of all 1,797 images and then all labels, uint8, in the order of the original data set.
DIGITS_SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


@pytest.fixture
def digits():
    return load_digits()


def test_shapes_and_types(digits):
    train_images, train_labels, test_images, test_labels = digits
    assert train_images.shape == (1437, 1, 8, 8)
    assert train_labels.shape == (1437,)
    assert test_images.shape == (360, 1, 8, 8)
    assert test_labels.shape == (360,)
    assert train_images.dtype == test_images.dtype == np.float32
    assert train_labels.dtype == test_labels.dtype == np.int64


def test_arrays_are_contiguous_and_fresh(digits):
    for array in digits:
        assert array.flags.c_contiguous
        assert array.flags.writeable
        array.fill(0)
    assert all(array.any() for array in load_digits())


def test_pixels_are_sixteenths_from_0_to_1(digits):
    for images in (digits[0], digits[2]):
        assert images.min() == 0.0
        assert images.max() == 1.0
        np.testing.assert_array_equal(images * 16, np.rint(images * 16))


def test_every_digit_is_in_both_parts(digits):
    for labels in (digits[1], digits[3]):
        assert np.unique(labels).tolist() == list(range(10))


def test_held_out_images_are_every_fifth_from_the_first(digits):
    train_images, train_labels, test_images, test_labels = digits
    images = np.empty((1797, 1, 8, 8), np.float32)
    labels = np.empty(1797, np.int64)
    for i in range(1797):
        if i % 5 == 0:
            images[i], labels[i] = test_images[i // 5], test_labels[i // 5]
        else:
            images[i], labels[i] = train_images[i - i // 5 - 1], train_labels[i - i // 5 - 1]
    # Put back together by the rule, the parts are the original data, byte for byte.
    assert labels[:20].tolist() == 2 * list(range(10))
    stored = np.rint(images * 16).astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(stored).hexdigest() == DIGITS_SHA256
