import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import LayerNorm2d


test_conv = LayerNorm2d(8)
x = XTensor(np.arange(1, 17).reshape([2, 2, 4, 1]))
y = test_conv.forward(x)
print(y)

# prints
# [-1.5275238], [-1.0910884], [-0.6546531], [-0.2182177],
# [0.2182177], [0.6546531], [1.0910884], [1.5275238]
# [-1.5275238], [-1.0910884], [-0.6546531], [-0.2182177],
# [0.2182177], [0.6546531], [1.0910884], [1.5275238]
