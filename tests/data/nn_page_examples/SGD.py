import numpy as np
from pyvqnet.xtensor import SGD, Linear, Module, autograd
from pyvqnet.xtensor import XTensor


class model(Module):
    def __init__(self, name=""):
        super().__init__(name)
        self.a1 = Linear(4, 3)

    def forward(self, x, *args, **kwargs):
        return self.a1(x)


MM = model()
opti = SGD(MM.parameters(), lr=100, momentum=0.2)
for i in range(1, 3):
    w = np.arange(24).reshape(1, 2, 3, 4)
    param = XTensor(w)
    param.requires_grad = True
    with autograd.tape():
        y = MM(param)
    y.backward()
    opti.step()
    print(MM.a1.weights)

# prints
# ... <Parameter 3x4 cpu(0) kfloat32>
# ... <Parameter 3x4 cpu(0) kfloat32>
