from pyvqnet.xtensor import Module, Conv2D, load_parameters, save_parameters


class Net(Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = Conv2D(
            input_channels=1,
            output_channels=6,
            kernel_size=(5, 5),
            stride=(1, 1),
            padding="valid",
        )

    def forward(self, x):
        return super().forward(x)


model = Net()
model1 = Net()
save_parameters(model.state_dict(), "tmp.model")
model_para = load_parameters("tmp.model")
model1.load_state_dict(model_para)
