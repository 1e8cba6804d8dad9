import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import Embedding
import pyvqnet


vlayer = Embedding(30, 3)
x = XTensor(np.arange(1, 25).reshape([2, 3, 2, 2]), dtype=pyvqnet.kint64)
y = vlayer(x)
print(y)

# prints
# ... <XTensor 2x3x2x2x3 cpu(0) kfloat32>
