from pyvqnet.xtensor import tanh
from pyvqnet.xtensor import XTensor

y = tanh(XTensor([-1, 2.0, -3, 4.0]))
print(y)

# prints
# [-0.7615942, 0.9640276, -0.9950548, 0.9993293]
