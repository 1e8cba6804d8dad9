from pyvqnet.xtensor import sigmoid
from pyvqnet.xtensor import XTensor

y = sigmoid(XTensor([1.0, 2.0, 3.0, 4.0]))
print(y)

# prints
# [0.7310586, 0.8807970, 0.9525741, 0.9820138]
