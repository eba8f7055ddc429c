# attack: connects through asyncio
# sandbox: unsupported-platform: sockets
# control: native connects
import asyncio


async def connect(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


asyncio.run(connect(int(input())))
