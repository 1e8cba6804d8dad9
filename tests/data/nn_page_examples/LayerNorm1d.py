import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import LayerNorm1d


test_conv = LayerNorm1d(4)
x = XTensor(np.arange(1, 17).reshape([4, 4]))
y = test_conv.forward(x)
print(y)

# prints
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
