from pyvqnet.xtensor import XTensor, kfloat32, kint64
from pyvqnet.xtensor import CategoricalCrossEntropy

x = XTensor([[1, 2, 3, 4, 5]] * 3, dtype=kfloat32)
y = XTensor([[0, 1, 0, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0]], dtype=kfloat32)
loss_result = CategoricalCrossEntropy()
result = loss_result(y, x)
print(result)

# prints
# [3.7852428]
