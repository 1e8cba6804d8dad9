from pyvqnet.xtensor import leaky_relu
from pyvqnet.xtensor import XTensor

y = leaky_relu(XTensor([-1, 2.0, -3, 4.0]))
print(y)

# prints
# [-0.0100000, 2., -0.0300000, 4.]
