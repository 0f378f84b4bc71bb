"""A pymodbus client that does what it is told: gateway_client.py PORT UNIT STEP..., a step being
FUNCTION:ADDRESS:VALUE,... (reads: FUNCTION:ADDRESS:QUANTITY; 22: AND,OR; 23: values written at ADDRESS, then as many
read there; 8, 17 and 43 as pymodbus asks them). Prints a line each: the values read, "ok", or "exception N"."""

import sys

try:
    from pymodbus.client import ModbusTcpClient
except ImportError:  # pymodbus 2
    from pymodbus.client.sync import ModbusTcpClient
from pymodbus.diag_message import ReturnQueryDataRequest
from pymodbus.mei_message import ReadDeviceInformationRequest
from pymodbus.other_message import ReportSlaveIdRequest
from pymodbus.pdu import ExceptionResponse
from pymodbus.register_read_message import ReadWriteMultipleRegistersRequest
from pymodbus.register_write_message import MaskWriteRegisterRequest

READS = {1: "read_coils", 2: "read_discrete_inputs", 3: "read_holding_registers", 4: "read_input_registers"}
OTHERS = {
    8: lambda: ReturnQueryDataRequest(0x1234),
    17: lambda: ReportSlaveIdRequest(),
    43: lambda: ReadDeviceInformationRequest(1, 0),
}


def ask(client, unit, code, address, values):
    if code in READS:
        return getattr(client, READS[code])(address, values[0], slave=unit)
    if code == 5:
        return client.write_coil(address, values[0] != 0, slave=unit)
    if code == 6:
        return client.write_register(address, values[0], slave=unit)
    if code == 15:
        return client.write_coils(address, [value != 0 for value in values], slave=unit)
    if code == 16:
        return client.write_registers(address, values, slave=unit)
    if code == 22:
        return client.execute(MaskWriteRegisterRequest(address, *values, slave=unit))
    if code == 23:
        asked = {"read_address": address, "read_count": len(values)}
        written = {"write_address": address, "write_registers": values}
        return client.execute(ReadWriteMultipleRegistersRequest(**asked, **written, slave=unit))
    request = OTHERS[code]()
    request.unit_id = request.slave_id = unit
    return client.execute(request)


def told(reply, quantity):
    if isinstance(reply, ExceptionResponse):
        return f"exception {reply.exception_code}"
    if reply.isError():
        return f"error {reply}"
    if hasattr(reply, "information"):
        return reply.information[0].decode()
    for name in ("registers", "bits"):
        values = getattr(reply, name, None)
        if values:
            return " ".join(str(int(value)) for value in values[:quantity])
    return "ok"


port, unit = int(sys.argv[1]), int(sys.argv[2])
client = ModbusTcpClient("127.0.0.1", port=port, timeout=25)
assert client.connect()
for step in sys.argv[3:]:
    code, address, values = step.split(":")
    values = [int(value) for value in values.split(",") if value]
    reply = ask(client, unit, int(code), int(address), values)
    reads = int(code) in READS
    print(told(reply, values[0] if reads else len(values)))
client.close()
