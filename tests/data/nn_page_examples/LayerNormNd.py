import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import LayerNormNd


test_conv = LayerNormNd([2, 2])
x = XTensor(np.arange(1, 17).reshape([2, 2, 2, 2]))
y = test_conv.forward(x)
print(y)

# prints
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
# [-1.3416355, -0.4472118, 0.4472118, 1.3416355]
