# attack: looks what files there are
# sandbox: runtime-error: FileNotFoundError
# control: native prints 'etc'
import os

print(os.listdir("/"))
