from pyvqnet.xtensor import hard_sigmoid
from pyvqnet.xtensor import XTensor

y = hard_sigmoid(XTensor([1.0, 2.0, 3.0, 4.0]))
print(y)

# prints
# [0.6666667, 0.8333334, 1., 1.]
