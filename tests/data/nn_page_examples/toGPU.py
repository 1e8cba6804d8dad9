from pyvqnet.xtensor import ConvT2D

test_conv = ConvT2D(3, 2, (4, 4), (2, 2), "same")
test_conv = test_conv.toGPU()
print(test_conv.backend)

# prints
# 1000
