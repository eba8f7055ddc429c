# attack: runs another program through a shell
# sandbox: runtime-error: AttributeError
# control: native writes marker
import os

os.system("echo was here > marker")
