from pyvqnet.xtensor import LSTM
import pyvqnet.xtensor as tensor

rnn2 = LSTM(4, 6, 2, batch_first=False, bidirectional=True)
h0 = tensor.ones([4, 3, 6])
c0 = tensor.ones([4, 3, 6])
output, (hn, cn) = rnn2(tensor.ones([5, 3, 4]), (h0, c0))
print(output)
print(hn)
print(cn)

# prints
# ... <XTensor 5x3x12 cpu(0) kfloat32>
# ... <XTensor 4x3x6 cpu(0) kfloat32>
# ... <XTensor 4x3x6 cpu(0) kfloat32>
