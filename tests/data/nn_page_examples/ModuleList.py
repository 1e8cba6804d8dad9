from pyvqnet.xtensor import Module, Linear, ModuleList


class M(Module):
    def __init__(self):
        super(M, self).__init__()
        self.dense = ModuleList([Linear(4, 2), Linear(4, 2)])

    def forward(self, x, *args, **kwargs):
        return self.dense[0](x) + self.dense[1](x)


print(M().state_dict())

# prints
# OrderedDict([('dense.0.weights',
# ... <Parameter 2x4 cpu(0) kfloat32>), ('dense.0.bias',
# ... <Parameter 2 cpu(0) kfloat32>), ('dense.1.weights',
# ... <Parameter 2x4 cpu(0) kfloat32>), ('dense.1.bias',
# ... <Parameter 2 cpu(0) kfloat32>)])
