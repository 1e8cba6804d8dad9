from pyvqnet.xtensor import Dynamic_GRU
import pyvqnet.xtensor as tensor

seq_len = [4, 1, 2]
rnn2 = Dynamic_GRU(4, hidden_size=2, num_layers=2, batch_first=False, bidirectional=True)
sequences = [tensor.arange(1, n * 4 + 1).reshape([n, 4]) for n in seq_len]
y = tensor.pad_sequence(sequences, False)
input = tensor.pack_pad_sequence(y, seq_len, batch_first=False, enforce_sorted=False)
h0 = tensor.ones([4, 3, 2])
output, hn = rnn2(input, h0)
seq_unpacked, lens_unpacked = tensor.pad_packed_sequence(output, batch_first=False)
print(seq_unpacked)
print(lens_unpacked)

# prints
# ... <XTensor 4x3x4 cpu(0) kfloat32>
# [4, 1, 2]
