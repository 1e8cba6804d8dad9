import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import Linear
import pyvqnet


n = Linear(7, 5)
input = XTensor(np.arange(1, 43).reshape((2, 3, 7)), dtype=pyvqnet.kfloat32)
y = n.forward(input)
print(y)

# prints
# ... <XTensor 2x3x5 cpu(0) kfloat32>
