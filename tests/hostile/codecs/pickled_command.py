# attack: runs a command when a pickle is read
# sandbox: runtime-error
# control: native writes marker
import pickle

pickle.loads(b"cos\nsystem\n(S'echo was here > marker'\ntR.")
