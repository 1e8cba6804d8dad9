from pyvqnet.xtensor import softplus
from pyvqnet.xtensor import XTensor

y = softplus(XTensor([1.0, 2.0, 3.0, 4.0]))
print(y)

# prints
# [1.3132616, 2.1269281, 3.0485873, 4.0181499]
