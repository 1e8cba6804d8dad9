from pyvqnet.xtensor import XTensor, kint64
from pyvqnet.xtensor import NLL_Loss

x = XTensor(
    [
        [0.9476322568516703, 0.226547421131723, 0.5944201443911326, 0.42830868492969476]
        + [0.76414068655387, 0.00286059168094277, 0.3574236812873617, 0.9096948856639084]
        + [0.4560809854582528, 0.9818027091583286, 0.8673569904602182, 0.9860275114020933]
        + [0.9232667066664217, 0.303693313961628, 0.8461034903175555]
    ]
).reshape([1, 3, 1, 5])
x.requires_grad = True
y = XTensor([[[2, 1, 0, 0, 2]]])
loss_result = NLL_Loss()
result = loss_result(y, x)
print(result)

# prints
# [-0.6187226]
