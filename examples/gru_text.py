"""Learn to write like Python's manual, letter by letter: ``python gru_text.py``.

The text is the language reference that ships with Python (what ``help("if")`` shows). A GRU reads
it and guesses each next character; what it is worth is measured on a part it never saw, in bits
per character: below 2.2, where a table of what follows each two characters needs 2.9. Then it
writes by itself. It takes about 40 seconds on two cores.
"""

import collections
import math
import re
from itertools import pairwise
from pydoc_data.topics import topics

import numpy as np
from tqdm import trange

import xtensor as xt

STEPS = 64


def manual(size=300_000):
    """The beginning of the language reference, blank space reduced to what separates."""
    text = "\n".join(topics[name] for name in sorted(topics))
    return re.sub(r"[ \n]*\n[ \n]*", "\n", re.sub(" +", " ", text))[:size]


class Writer(xt.Module):
    def __init__(self, letters, hidden=192):
        super().__init__()
        self.embedding = xt.Embedding(letters, 32)
        self.gru = xt.GRU(32, hidden)
        self.scores = xt.Linear(hidden, letters)

    def forward(self, letters, state=None):  # [B, T] of numbers -> scores [B, T, letters], state
        output, state = self.gru(self.embedding(letters), state)
        return self.scores(output), state


def bits(model, numbers):
    """Bits per character on a text, read from beginning to end."""
    read = xt.XTensor(numbers[None], dtype=xt.kint64)
    scores, _ = model(read[:, :-1])
    letters = scores.shape[2]
    loss = xt.CrossEntropyLoss()(read[0, 1:], scores.reshape([-1, letters]))
    return loss.item() / math.log(2)


def bits_of_table(train, test, alphabet):
    """The same for counts of what followed each two characters, every count being one more."""
    following = collections.Counter(zip(train, train[1:], train[2:], strict=False))
    pairs = collections.Counter(pairwise(train))
    chances = [
        (following[a, b, c] + 1) / (pairs[a, b] + alphabet)
        for a, b, c in zip(test, test[1:], test[2:], strict=False)
    ]
    return -sum(map(math.log2, chances)) / len(chances)


def write(model, alphabet, start="\n", length=300, sharpness=1.6):
    """Draw one character after the other from what the model expects."""
    numbers, state = [alphabet.index(c) for c in start], None
    for _ in range(length):
        given = numbers if state is None else numbers[-1:]
        scores, state = model(xt.XTensor([given], dtype=xt.kint64), state)
        chances = xt.softmax(scores[0, -1] * sharpness, 0)
        numbers.append(int(xt.multinomial(chances, 1).item()))
    return "".join(alphabet[n] for n in numbers)


def main(steps=1200, batch_size=32, seed=1):
    """Train, write, and return bits per character on the unseen part of the text."""
    text = manual()
    alphabet = sorted(set(text))
    numbers = np.array([alphabet.index(c) for c in text])
    cut = len(numbers) * 9 // 10
    train, test = numbers[:cut], numbers[cut:]
    print(f"{len(text)} characters, {len(alphabet)} different ones")

    xt.manual_seed(seed)
    model = Writer(len(alphabet))
    print(model)
    optimizer = xt.Adam(model.parameters(), lr=5e-3)
    loss_of = xt.CrossEntropyLoss()
    for step in (bar := trange(steps, unit="step")):
        optimizer.lr = 5e-3 * (1 - step / steps)
        starts = xt.randu([batch_size], 0, len(train) - STEPS - 1).to_numpy().astype(int)
        pieces = np.stack([train[s : s + STEPS + 1] for s in starts])
        read = xt.XTensor(pieces[:, :-1], dtype=xt.kint64)
        target = xt.XTensor(pieces[:, 1:].reshape(-1), dtype=xt.kint64)
        with xt.autograd.tape():
            scores, _ = model(read)
            loss = loss_of(target, scores.reshape([-1, len(alphabet)]))  # target first
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            bar.set_postfix(bits=f"{loss.item() / math.log(2):.2f}")
    unseen = bits(model, test)
    table = bits_of_table(train.tolist(), test.tolist(), len(alphabet))
    print(f"unseen text: {unseen:.2f} bits per character, the table {table:.2f}. It writes:")
    print(write(model, alphabet, "The "))
    return unseen


if __name__ == "__main__":
    main()
