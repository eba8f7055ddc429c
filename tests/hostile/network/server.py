# attack: opens a port for others
# sandbox: runtime-error: OSError
# control: native prints listening
import socket

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
print("listening on", server.getsockname()[1])
