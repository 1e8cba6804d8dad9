from pyvqnet.xtensor import XTensor, kfloat64
from pyvqnet.xtensor import MeanSquaredError

x = XTensor([[0.1, 0.05, 0.7, 0, 0.05, 0.1, 0, 0, 0, 0]], dtype=kfloat64)
y = XTensor([[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]], dtype=kfloat64)
loss_result = MeanSquaredError()
result = loss_result(y, x)
print(result)

# prints
# [0.0115000]
