from pyvqnet.xtensor import relu
from pyvqnet.xtensor import XTensor

y = relu(XTensor([-1, 2.0, -3, 4.0]))
print(y)

# prints
# [0., 2., 0., 4.]
