# attack: asks a name server, which can carry data out
# sandbox: runtime-error
# control: native prints 127.0.0.1
import socket

print(socket.gethostbyname("localhost"))
