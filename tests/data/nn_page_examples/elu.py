from pyvqnet.xtensor import elu
from pyvqnet.xtensor import XTensor

y = elu(XTensor([-1, 2.0, -3, 4.0]))
print(y)

# prints
# [-0.6321205, 2., -0.9502130, 4.]
