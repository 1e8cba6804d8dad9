import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import ConvT2D
import pyvqnet


test_conv = ConvT2D(3, 2, (3, 3), (1, 1), "valid")
x = XTensor(np.arange(1, 76).reshape([1, 3, 5, 5]), dtype=pyvqnet.kfloat32)
y = test_conv.forward(x)
print(y)

# prints
# ... <XTensor 1x2x7x7 cpu(0) kfloat32>
