# attack: unpacks a little into a lot
# limits: fuel=4e9 memory=112
# sandbox: memory-limit
# control: native peak 300
import zlib

bomb = zlib.compress(zlib.compress(bytes(4 << 20), 1), 1)
kept = []
while True:
    kept.append(zlib.decompress(zlib.decompress(bomb)))
