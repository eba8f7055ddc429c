# attack: reads what the system tells about its process: command line, memory map
# sandbox: runtime-error: FileNotFoundError
# control: native prints program.py
print(open("/proc/self/cmdline").read(), open("/proc/self/maps").read()[:200])
