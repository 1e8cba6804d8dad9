import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import Conv1D
import pyvqnet


test_conv = Conv1D(3, 2, 3, 2, "same")
x0 = XTensor(np.arange(1, 151).reshape([2, 3, 25]), dtype=pyvqnet.kfloat32)
x = test_conv.forward(x0)
print(x)

# prints
# ... <XTensor 2x2x13 cpu(0) kfloat32>
