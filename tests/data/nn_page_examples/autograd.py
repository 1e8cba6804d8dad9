from pyvqnet.xtensor import arange
from pyvqnet import kfloat32
from pyvqnet.xtensor import Conv2D, autograd

test_conv = Conv2D(2, 2, (2, 2), (2, 2), "same")
x0 = arange(1, 2 * 2 * 4 * 4 + 1, dtype=kfloat32).reshape([2, 2, 4, 4])
x0.requires_grad = True
with autograd.tape():
    x = test_conv(x0)
x.backward()
print(x0.grad)

# prints
# ... <XTensor 2x2x4x4 cpu(0) kfloat32>
