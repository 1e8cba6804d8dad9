"""Train a small network to read handwritten digits: a tour of xtensor, to be read top to bottom.

Run it with ``python -m xtensor demo``, or copy this file and change it: it uses nothing but the
public names of the package.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

import xtensor as xt
from xtensor.datasets import load_digits


# A model is a Module. What is assigned to its attributes in __init__ is trained, moved to a GPU,
# saved and printed with it; forward says what becomes of an input.
class DigitsNet(xt.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = xt.Conv2D(1, 16, (3, 3), padding="same")
        self.norm1 = xt.BatchNorm2d(16)
        self.conv2 = xt.Conv2D(16, 32, (3, 3), padding="same")
        self.norm2 = xt.BatchNorm2d(32)
        self.pool = xt.MaxPool2D((2, 2), (2, 2))
        self.dropout = xt.Dropout(0.25)
        self.scores = xt.Linear(32 * 4 * 4, 10)

    def forward(self, images):  # [N, 1, 8, 8]: number, channel, row, column
        x = xt.relu(self.norm1(self.conv1(images)))  # [N, 16, 8, 8]
        x = xt.relu(self.norm2(self.conv2(x)))  # [N, 32, 8, 8]
        x = self.dropout(self.pool(x))  # [N, 32, 4, 4]
        return self.scores(xt.flatten(x, 1))  # [N, 10], one score per digit


# Outside a tape nothing is recorded, dropout lets everything through, and batch normalisation uses
# the mean and variance it has collected in training.
def accuracy(net, images, labels, batch_size=32):
    right = 0
    # In batches as in training, for which everything is compiled: all at once takes other kernels.
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        scores = net(xt.XTensor(images[batch], device=net.backend))
        right += int((scores.to_numpy().argmax(axis=1) == labels[batch]).sum())
    return right / len(images)


def train(epochs=12, batch_size=32, lr=0.01, seed=1, device=xt.DEV_CPU, out="digits-run"):
    """Train, save, reload, and check that the reloaded network is as good.

    Returns:
        The loss of every step and the held-out accuracy after every epoch, as two lists.
    """
    train_images, train_labels, test_images, test_labels = load_digits()

    # The seed fixes the start values and dropout; NumPy's generator shuffles the images.
    xt.manual_seed(seed)
    rng = np.random.default_rng(seed)

    net = DigitsNet().toGPU(device) if device else DigitsNet()
    print(net)
    loss_of = xt.CrossEntropyLoss()
    optimizer = xt.Adam(net.parameters(), lr=lr)

    file = Path(out) / "digits.safetensors"
    losses, accuracies = [], []
    steps = epochs * -(-len(train_images) // batch_size)
    with tqdm(total=steps, unit="step") as bar:
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(train_images))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                images = xt.XTensor(train_images[batch], device=device)
                labels = xt.XTensor(train_labels[batch], device=device, dtype=xt.kint64)

                # Operations inside the tape are recorded, and layers are in training mode.
                with xt.autograd.tape():
                    loss = loss_of(labels, net(images))
                # Backward leaves a gradient in every parameter; step() follows it downhill, in
                # steps that shrink to nothing towards the end.
                loss.backward()
                optimizer.lr = lr * (1 - len(losses) / steps)
                optimizer.step()

                losses.append(loss.item())
                bar.update()
            accuracies.append(accuracy(net, test_images, test_labels))
            bar.set_description(f"epoch {epoch}")
            bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}", accuracy=f"{accuracies[-1]:.2%}")
            # The file is the old one or the whole new one, whenever the program is stopped.
            xt.save_parameters(net.state_dict(), file)

    # A file holds the parameters, not the structure: make the same model, then load them.
    again = DigitsNet().toGPU(device) if device else DigitsNet()
    again.load_state_dict(xt.load_parameters(file))
    reloaded = accuracy(again, test_images, test_labels)
    print(f"held-out accuracy {accuracies[-1]:.2%}, with the parameters of {file} {reloaded:.2%}")
    return losses, accuracies


if __name__ == "__main__":
    train()
