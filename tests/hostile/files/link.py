# attack: makes a link out of its folder
# sandbox: unsupported-platform: files that can be written
# control: native writes link
import os

os.symlink("/etc", "link")
