from pyvqnet.xtensor import softmax
from pyvqnet.xtensor import XTensor

y = softmax(XTensor([1.0, 2.0, 3.0, 4.0]))
print(y)

# prints
# [0.0320586, 0.0871443, 0.2368828, 0.6439142]
