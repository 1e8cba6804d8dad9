import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import BatchNorm1d, autograd

test_conv = BatchNorm1d(4)
x = XTensor(np.arange(1, 17).reshape([4, 4]))
with autograd.tape():
    y = test_conv.forward(x)
print(y)

# prints
# [-1.3416405, -1.3416405, -1.3416405, -1.3416405],
# [-0.4472135, -0.4472135, -0.4472135, -0.4472135],
# [0.4472135, 0.4472135, 0.4472135, 0.4472135],
# [1.3416405, 1.3416405, 1.3416405, 1.3416405]
