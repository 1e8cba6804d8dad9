from pyvqnet.xtensor import RNN
import pyvqnet.xtensor as tensor

rnn2 = RNN(4, 6, 2, batch_first=False, bidirectional=True)
output, hn = rnn2(tensor.ones([5, 3, 4]), tensor.ones([4, 3, 6]))
print(output)
print(hn)

# prints
# ... <XTensor 5x3x12 cpu(0) kfloat32>
# ... <XTensor 4x3x6 cpu(0) kfloat32>
