from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import BinaryCrossEntropy

x = XTensor([[0.3, 0.7, 0.2], [0.2, 0.3, 0.1]])
y = XTensor([[0.0, 1.0, 0], [0.0, 0, 1]])
loss_result = BinaryCrossEntropy()
result = loss_result(y, x)
print(result)

# prints
# [0.6364825]
