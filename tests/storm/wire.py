"""A TCP link that can be cut, as a process of its own: `python3 wire.py LISTEN_PORT TARGET_PORT SEED`.

Reads one JSON object a line from standard input and answers one with its counts:
`{"request": 0.1}`  chance to cut at a piece from the client: a random part of it still arrives;
`{"answer": 0.1}`   chance to cut at a piece from the server: it was made, and never arrives;
`{"delay_ms": 800}` longest wait before an answer is passed on;
`{"cut": true}`     cuts every connection now;
`{"shut": true}`    and takes no new one, until false;
`{"target": 5432}`  new connections go to this port.
A cut towards the client is a reset. It never holds a request back and sends it later.
"""

import asyncio
import json
import random
import sys

PIECE_BYTES_MAX = 65536


class Wire:
    def __init__(self, target, seed):
        self.target, self.rng = target, random.Random(seed)
        self.rates = {"request": 0.0, "answer": 0.0, "delay_ms": 0}
        self.counts = {"connections": 0, "request": 0, "answer": 0, "cut": 0}
        self.open = set()
        self.shut = False

    async def serve(self, reader, writer):
        self.counts["connections"] += 1
        if self.shut:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, upstream)
        self.open.add(pair)
        pumps = [
            asyncio.create_task(self.pump("request", reader, upstream)),
            asyncio.create_task(self.pump("answer", upstream_reader, writer)),
        ]
        done, rest = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        cut = any(task.result() == "cut" for task in done)
        if not cut:  # one side closed: what the other still says may pass for a moment
            await asyncio.wait(rest, timeout=0.5)
        for task in rest:
            task.cancel()
        self.open.discard(pair)
        writer.transport.abort() if cut else writer.close()
        upstream.close()

    async def pump(self, side, reader, writer):
        try:
            while piece := await reader.read(PIECE_BYTES_MAX):
                if self.rng.random() < self.rates[side]:
                    self.counts[side] += 1
                    if side == "request":
                        writer.write(piece[: self.rng.randrange(len(piece))])
                        await writer.drain()
                    return "cut"
                if side == "answer" and self.rates["delay_ms"]:
                    await asyncio.sleep(self.rng.uniform(0, self.rates["delay_ms"]) / 1000)
                writer.write(piece)
                await writer.drain()
        except OSError:
            return "cut"
        return "closed"

    def order(self, order):
        self.target = order.pop("target", self.target)
        self.shut = order.pop("shut", self.shut)
        if order.pop("cut", False) or self.shut:
            self.counts["cut"] += len(self.open)
            for pair in self.open:
                for writer in pair:
                    writer.transport.abort()
        self.rates.update(order)
        return self.counts


async def main():
    listen, target, seed = map(int, sys.argv[1:])
    wire = Wire(target, seed)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", listen)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():
        print(json.dumps(wire.order(json.loads(line))), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
