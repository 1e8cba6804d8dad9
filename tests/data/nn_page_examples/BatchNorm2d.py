import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import BatchNorm2d, autograd

test_conv = BatchNorm2d(2)
x = XTensor(np.arange(1, 17).reshape([2, 2, 4, 1]))
x.requires_grad = True
with autograd.tape():
    y = test_conv.forward(x)
print(y)

# prints
# [-1.3242440], [-1.0834724], [-0.8427007], [-0.6019291]
# [-1.3242440], [-1.0834724], [-0.8427007], [-0.6019291]
# [0.6019291], [0.8427007], [1.0834724], [1.3242440]
# [0.6019291], [0.8427007], [1.0834724], [1.3242440]
