import numpy as np
from pyvqnet.xtensor import XTensor
from pyvqnet.xtensor import Dropout


x = XTensor(np.arange(-8, 8).reshape([2, 2, 2, 2]))
droplayer = Dropout(0.5)
y = droplayer(x)
# Without a tape nothing is dropped; the page prints dropped values beside a note that says so.
print(y)

# prints
# -8 -7 -6 -5 -4 -3 -2 -1
# 0 1 2 3 4 5 6 7
# <XTensor 2x2x2x2 cpu(0) kfloat32>
