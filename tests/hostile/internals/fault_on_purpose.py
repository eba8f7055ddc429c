# attack: has the interpreter's own tests crash it
# sandbox: runtime-error
# control: native dies SIGSEGV
import faulthandler

faulthandler._sigsegv()
