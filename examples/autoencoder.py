"""Squeeze handwritten digits through 16 numbers and draw them again: ``python autoencoder.py``.

An encoder of two convolutions turns an image of 8x8 pixels into 16 numbers; a decoder of transposed
convolutions turns those back into an image. What is lost is measured on digits that were held out:
a mean squared error below 0.009, where the best linear code of 16 numbers (principal components)
reaches 0.0116. It takes about ten seconds on two cores.
"""

import numpy as np
from tqdm import trange

import xtensor as xt
from xtensor.datasets import load_digits

CODE = 16


class Autoencoder(xt.Module):
    def __init__(self):
        super().__init__()
        self.down1 = xt.Conv2D(1, 16, (3, 3), (2, 2), "same")
        self.down2 = xt.Conv2D(16, 32, (3, 3), (2, 2), "same")
        self.squeeze = xt.Linear(32 * 2 * 2, CODE)
        self.widen = xt.Linear(CODE, 32 * 2 * 2)
        # With "same" and a stride of 2, a transposed convolution doubles height and width.
        self.up1 = xt.ConvT2D(32, 16, (4, 4), (2, 2), "same")
        self.up2 = xt.ConvT2D(16, 1, (4, 4), (2, 2), "same")

    def encode(self, images):  # [N, 1, 8, 8] -> [N, 16]
        x = xt.relu(self.down1(images))  # [N, 16, 4, 4]
        x = xt.relu(self.down2(x))  # [N, 32, 2, 2]
        return self.squeeze(xt.flatten(x, 1))

    def decode(self, code):  # [N, 16] -> [N, 1, 8, 8]
        x = xt.relu(self.widen(code)).reshape([-1, 32, 2, 2])
        x = xt.relu(self.up1(x))  # [N, 16, 4, 4]
        return xt.sigmoid(self.up2(x))

    def forward(self, images):
        return self.decode(self.encode(images))


def linear_error(train_images, test_images):
    """What the first principal components of the training images lose of the held-out ones."""
    train, test = train_images.reshape(-1, 64), test_images.reshape(-1, 64)
    mean = train.mean(axis=0)
    basis = np.linalg.svd(train - mean, full_matrices=False)[2][:CODE]
    return np.mean((test - mean - (test - mean) @ basis.T @ basis) ** 2)


def draw(*images):
    """Images side by side, as text."""
    for rows in zip(*(image[0] for image in images), strict=True):
        print("   ".join("".join(" .:#"[int(p * 3.99)] * 2 for p in row) for row in rows))


def main(epochs=30, batch_size=32, seed=1):
    """Train, show some digits before and after, and return the error on the held-out ones."""
    train_images, _, test_images, _ = load_digits()
    xt.manual_seed(seed)
    rng = np.random.default_rng(seed)

    net = Autoencoder()
    print(xt.summary(net, [1, 1, 8, 8]))
    loss_of = xt.MeanSquaredError()
    optimizer = xt.Adam(net.parameters(), lr=0.003)

    with trange(epochs, unit="epoch") as bar:
        for _ in bar:
            order = rng.permutation(len(train_images))
            for start in range(0, len(order), batch_size):
                images = xt.XTensor(train_images[order[start : start + batch_size]])
                with xt.autograd.tape():
                    loss = loss_of(images, net(images))
                loss.backward()
                optimizer.step()
            bar.set_postfix(loss=f"{loss.item():.4f}")

    images = xt.XTensor(test_images)
    again = net(images)
    error = loss_of(images, again).item()
    draw(*test_images[5:9])
    draw(*again.to_numpy()[5:9])
    print(f"held-out error {error:.4f}, linear {linear_error(train_images, test_images):.4f}")
    return error


if __name__ == "__main__":
    main()
