"""A pymodbus server on a free port of 127.0.0.1: 1,000 addresses of each table, input n reads n, discrete input n
is set when n is odd. Says "port N" before it listens."""

import asyncio
import logging
import socket

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus import datastore

try:
    from pymodbus.server import StartAsyncTcpServer as start
except ImportError:  # pymodbus 2
    from pymodbus.server.async_io import StartTcpServer as start

ADDRESSES = 1000
# A connection that ends is no news here.
logging.disable(logging.CRITICAL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def block(values):
    return ModbusSequentialDataBlock(0, values)


async def main():
    # The class is named for a role that has another name here.
    Unit = next(
        getattr(datastore, name) for name in dir(datastore) if name.endswith("eContext")
    )
    unit = Unit(
        di=block([n & 1 for n in range(ADDRESSES)]),
        co=block([0] * ADDRESSES),
        hr=block([0] * ADDRESSES),
        ir=block(list(range(ADDRESSES))),
        zero_mode=True,
    )
    identity = ModbusDeviceIdentification()
    identity.VendorName = "pymodbus"
    identity.ProductCode = "PM"
    identity.MajorMinorRevision = "1.0"
    port = free_port()
    print(f"port {port}", flush=True)
    await start(
        context=ModbusServerContext(unit, True),
        identity=identity,
        address=("127.0.0.1", port),
    )
    await asyncio.Event().wait()


asyncio.run(main())
