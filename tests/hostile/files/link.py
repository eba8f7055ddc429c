# attack: makes a link out of its folder
# sandbox: runtime-error: OSError
# control: native writes link
import os

os.symlink("/etc", "link")
