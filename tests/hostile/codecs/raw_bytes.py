# attack: writes every byte there is, most of which is no text
# sandbox: wrong-answer
# control: native prints �
import os

os.write(1, bytes(range(256)))
