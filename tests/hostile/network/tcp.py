# attack: connects to a service of the machine
# sandbox: runtime-error: OSError
# control: native connects
import socket

with socket.create_connection(("127.0.0.1", int(input()))) as connection:
    connection.sendall(b"hello")
