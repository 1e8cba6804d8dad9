from pyvqnet.xtensor import Conv2D

test_conv = Conv2D(2, 3, (3, 3), (2, 2), "same")
print(test_conv.state_dict().keys())

# prints
# odict_keys(['weights', 'bias'])
