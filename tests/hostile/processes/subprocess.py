# attack: runs another program
# sandbox: runtime-error: OSError
# control: native writes marker
import subprocess

subprocess.run(["sh", "-c", "echo was here > marker"], check=True)
