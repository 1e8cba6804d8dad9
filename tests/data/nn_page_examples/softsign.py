from pyvqnet.xtensor import softsign
from pyvqnet.xtensor import XTensor

y = softsign(XTensor([1.0, 2.0, 3.0, 4.0]))
print(y)

# prints
# [0.5000000, 0.6666667, 0.7500000, 0.8000000]
