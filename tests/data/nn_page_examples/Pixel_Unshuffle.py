from pyvqnet.xtensor import Pixel_Unshuffle
from pyvqnet.xtensor import ones

ps = Pixel_Unshuffle(3)
inx = ones([5, 2, 3, 2, 12, 12])
inx.requires_grad = True
y = ps(inx)
print(y.shape)

# prints
# [5, 2, 3, 18, 4, 4]
