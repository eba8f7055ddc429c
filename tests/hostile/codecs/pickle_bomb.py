# attack: reads a pickle of forty bytes that becomes a text of 600 million characters
# sandbox: memory-limit
# control: native peak 300
import pickle

print(len(pickle.loads(b"coperator\nmul\n(S'x'\nI600000000\ntR.")))
