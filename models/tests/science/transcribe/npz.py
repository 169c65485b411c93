"""Reads the publisher's pickled arrays without NumPy and without running anything a pickle may ask for.

npz.py MODEL_OUTPUT.npz ARRAY   writes the array's 32-bit floats
npz.py NOTE_EVENTS.npz          writes one note a line: start_s end_s pitch amplitude bend,bend,..
"""
import io
import pickle
import struct
import sys
import zipfile


class Type:
    """numpy.dtype, as far as its name."""

    def __init__(self, name, *_):
        self.name = name

    def __setstate__(self, _):
        pass


class Array:
    """numpy.ndarray, as far as its bytes or its objects."""

    def __setstate__(self, state):
        self.shape, self.data = state[1], state[4]


def scalar(kind, data):
    return struct.unpack("<" + {"f8": "d", "f4": "f", "i8": "q"}[kind.name], data)[0]


KNOWN = {
    "_reconstruct": lambda *_: Array(),
    "ndarray": Array,
    "dtype": Type,
    "scalar": scalar,
}


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        return KNOWN[name]


member = zipfile.ZipFile(sys.argv[1]).read("arr_0.npy")
header = 10 + int.from_bytes(member[8:10], "little")
top = Reader(io.BytesIO(member[header:])).load()
if len(sys.argv) > 2:
    sys.stdout.buffer.write(top.data[0][sys.argv[2]].data)
else:
    cells = top.data
    for i in range(0, len(cells), 5):
        start, end, pitch, amplitude, bends = cells[i : i + 5]
        print(start, end, pitch, amplitude, ",".join(str(int(b)) for b in bends))
