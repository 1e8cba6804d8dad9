import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import MaxPool1D


test_mp = MaxPool1D(3, 2, "same")
rows = [[0, 1, 0, 4, 5], [2, 3, 2, 1, 3], [4, 4, 0, 4, 3], [2, 5, 2, 6, 4], [1, 0, 0, 5, 7]]
x = XTensor(np.array(rows, dtype=float).reshape([1, 5, 5]), requires_grad=True)
y = test_mp.forward(x)
print(y)

# prints
# [[[1. 4. 5.]
#   [3. 3. 3.]
#   [4. 4. 4.]
#   [5. 6. 6.]
#   [1. 5. 7.]]]
