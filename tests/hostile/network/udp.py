# attack: sends a datagram
# sandbox: runtime-error: OSError
# control: native sends
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
    connection.sendto(b"hello", ("127.0.0.1", int(input())))
