import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import AvgPool1D


test_mp = AvgPool1D(3, 2, "same")
rows = [[0, 1, 0, 4, 5], [2, 3, 2, 1, 3], [4, 4, 0, 4, 3], [2, 5, 2, 6, 4], [1, 0, 0, 5, 7]]
x = XTensor(np.array(rows, dtype=float).reshape([1, 5, 5]), requires_grad=True)
y = test_mp.forward(x)
print(y)

# prints
# [
# [[0.3333333, 1.6666666, 3.],
#  [1.6666666, 2., 1.3333334],
#  [2.6666667, 2.6666667, 2.3333333],
#  [2.3333333, 4.3333335, 3.3333333],
#  [0.3333333, 1.6666666, 4.]]
# ]
