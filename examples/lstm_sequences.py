"""Read handwritten digits pixel by pixel: ``python lstm_sequences.py``.

An image is turned into the list of its inked pixels from top to bottom, (row, column, ink) each,
as a pen plotter would get it. Lists have from 16 to 39 entries, so a batch is packed, and
Dynamic_LSTM runs each list for its own length, in both directions. Of the digits that were held out
it names more than 95 in 100. It takes about 20 seconds on two cores.
"""

import numpy as np
from tqdm import trange

import xtensor as xt
from xtensor.datasets import load_digits


def to_sequence(image):
    """[1, 8, 8] -> [number of inked pixels, 3]: row and column from -1 to 1, and how much ink."""
    rows, columns = np.nonzero(image[0] > 0.1)
    ink = image[0, rows, columns]
    return xt.XTensor(np.stack([rows / 3.5 - 1, columns / 3.5 - 1, ink], axis=1))


class Reader(xt.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.lstm = xt.Dynamic_LSTM(3, hidden, bidirectional=True)
        self.scores = xt.Linear(2 * hidden, 10)

    def forward(self, sequences):  # list of [L_i, 3] -> [N, 10]
        lengths = [sequence.shape[0] for sequence in sequences]
        padded = xt.pad_sequence(sequences)  # [longest, N, 3]
        packed = xt.pack_pad_sequence(padded, lengths, enforce_sorted=False)
        _, (hn, _) = self.lstm(packed)  # [2, N, hidden]: the last state of each direction
        return self.scores(xt.concatenate([hn[0], hn[1]], axis=1))


def accuracy(model, sequences, labels):
    return float(np.mean(xt.argmax(model(sequences), 1).to_numpy() == labels))


def main(epochs=60, batch_size=32, seed=1):
    """Train, and return the part of the held-out digits that is named right."""
    train_images, train_labels, test_images, test_labels = load_digits()
    train, test = ([to_sequence(i) for i in images] for images in (train_images, test_images))
    lengths = [sequence.shape[0] for sequence in train]
    print(f"{len(train)} lists of {min(lengths)} to {max(lengths)} pixels")

    xt.manual_seed(seed)
    model = Reader()
    print(model)
    optimizer = xt.Adam(model.parameters(), lr=5e-3)
    loss_of = xt.CrossEntropyLoss()
    for epoch in trange(epochs, unit="epoch"):
        optimizer.lr = 5e-3 * (1 - epoch / epochs)
        order = xt.randperm(len(train)).to_numpy()
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            target = xt.XTensor(train_labels[chosen], dtype=xt.kint64)
            with xt.autograd.tape():
                loss = loss_of(target, model([train[i] for i in chosen]))  # target first
            loss.backward()
            optimizer.step()
    right = accuracy(model, test, test_labels)
    print(f"held-out accuracy {right:.3f}")
    return right


if __name__ == "__main__":
    main()
