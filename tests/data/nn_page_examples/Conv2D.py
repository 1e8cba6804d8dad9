import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import Conv2D
import pyvqnet


test_conv = Conv2D(3, 2, (3, 3), (2, 2), "same")
x0 = XTensor(np.arange(1, 151).reshape([2, 3, 5, 5]), dtype=pyvqnet.kfloat32)
x = test_conv.forward(x0)
print(x)

# prints
# ... <XTensor 2x2x3x3 cpu(0) kfloat32>
