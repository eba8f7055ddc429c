# attack: goes on in a second process
# sandbox: runtime-error: AttributeError
# control: native writes child
import os

if os.fork() == 0:
    with open("child", "w"):
        os._exit(0)
os.wait()
