import pyvqnet
import pyvqnet.xtensor
from pyvqnet.xtensor.module import Module


class Model(Module):
    def __init__(self):
        super(Model, self).__init__()
        self.conv1 = pyvqnet.xtensor.Conv2D(1, 20, (5, 5))
        self.conv2 = pyvqnet.xtensor.Conv2D(20, 20, (5, 5))

    def forward(self, x):
        x = pyvqnet.xtensor.relu(self.conv1(x))
        return pyvqnet.xtensor.relu(self.conv2(x))


print(Model()(pyvqnet.xtensor.ones([1, 1, 12, 12])).shape)

# prints
# [1, 20, 4, 4]
