"""A pymodbus client: modbus_client.py PORT. Does one thing of each kind and prints what came of it as JSON: the
values read, "ok", or {"exception": code}."""

import json
import sys

try:
    from pymodbus.client import ModbusTcpClient
except ImportError:  # pymodbus 2
    from pymodbus.client.sync import ModbusTcpClient
from pymodbus.mei_message import ReadDeviceInformationRequest
from pymodbus.pdu import ExceptionResponse
from pymodbus.register_read_message import ReadWriteMultipleRegistersRequest
from pymodbus.register_write_message import MaskWriteRegisterRequest


def told(reply):
    if isinstance(reply, ExceptionResponse):
        return {"exception": reply.exception_code}
    if reply.isError():
        return {"error": str(reply)}
    for name in ("registers", "bits"):
        values = getattr(reply, name, None)
        if values:
            return [int(value) for value in values]
    if hasattr(reply, "information"):
        return {key: value.decode() for key, value in reply.information.items()}
    return "ok"


client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]))
assert client.connect()
print(
    json.dumps(
        {
            "write-coil": told(client.write_coil(7, True)),
            "write-coils": told(client.write_coils(100, [True, False, True])),
            "write-register": told(client.write_register(7, 65535)),
            "write-registers": told(client.write_registers(100, [1, 2, 65535])),
            "mask-register": told(
                client.execute(MaskWriteRegisterRequest(7, 0x00F2, 0x0025))
            ),
            "coils": told(client.read_coils(100, 8)),
            "inputs": told(client.read_discrete_inputs(0, 8)),
            "input-registers": told(client.read_input_registers(5, 3)),
            "registers": told(client.read_holding_registers(7, 1)),
            "write-and-read": told(
                client.execute(
                    ReadWriteMultipleRegistersRequest(
                        read_address=100,
                        read_count=4,
                        write_address=101,
                        write_registers=[11, 22],
                    )
                )
            ),
            "beyond": told(client.read_holding_registers(65535, 2)),
            "identity": told(client.execute(ReadDeviceInformationRequest(2, 0))),
        }
    )
)
client.close()
