/*
 * A libmodbus client that does what it is told: gateway-client PORT UNIT STEP..., a step being FUNCTION:ADDRESS:VALUE,...
 * (reads: FUNCTION:ADDRESS:QUANTITY; 22: AND,OR; 23: values written at ADDRESS, then as many read there; others are sent
 * as they are, the values being their bytes). Prints a line each: the values read, "ok", or "exception N".
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MOST 128

static void told(int result, const uint16_t *words, int count)
{
    if (result < 0 && errno >= MODBUS_ENOBASE)
        printf("exception %d\n", errno - MODBUS_ENOBASE);
    else if (result < 0)
        printf("error %s\n", modbus_strerror(errno));
    else if (count == 0)
        printf("ok\n");
    for (int n = 0; result >= 0 && n < count; n++)
        printf(n + 1 < count ? "%u " : "%u\n", (unsigned)words[n]);
}

static void send_raw(modbus_t *modbus, int unit, int code, const uint16_t *values, int count)
{
    uint8_t request[2 + VALUES_MOST] = {(uint8_t)unit, (uint8_t)code};
    uint8_t reply[MODBUS_TCP_MAX_ADU_LENGTH];
    for (int n = 0; n < count; n++)
        request[2 + n] = (uint8_t)values[n];
    modbus_send_raw_request(modbus, request, 2 + count);
    int length = modbus_receive_confirmation(modbus, reply);
    if (length >= 9 && reply[7] == (code | 0x80))
        printf("exception %d\n", reply[8]);
    else
        printf("raw of %d bytes\n", length);
}

static void step(modbus_t *modbus, int unit, char *text)
{
    int code = atoi(strtok(text, ":"));
    int address = atoi(strtok(NULL, ":"));
    uint16_t values[VALUES_MOST];
    uint8_t bits[VALUES_MOST];
    int count = 0;
    for (char *value = strtok(NULL, ","); value && count < VALUES_MOST; value = strtok(NULL, ",")) {
        values[count] = (uint16_t)atoi(value);
        bits[count] = values[count] != 0;
        count++;
    }
    int asked = values[0];
    switch (code) {
    case 1:
    case 2: {
        int result = code == 1 ? modbus_read_bits(modbus, address, asked, bits)
                               : modbus_read_input_bits(modbus, address, asked, bits);
        for (int n = 0; n < asked; n++)
            values[n] = bits[n];
        told(result, values, asked);
        return;
    }
    case 3:
        told(modbus_read_registers(modbus, address, asked, values), values, asked);
        return;
    case 4:
        told(modbus_read_input_registers(modbus, address, asked, values), values, asked);
        return;
    case 5:
        told(modbus_write_bit(modbus, address, bits[0]), values, 0);
        return;
    case 6:
        told(modbus_write_register(modbus, address, values[0]), values, 0);
        return;
    case 15:
        told(modbus_write_bits(modbus, address, count, bits), values, 0);
        return;
    case 16:
        told(modbus_write_registers(modbus, address, count, values), values, 0);
        return;
    case 22:
        told(modbus_mask_write_register(modbus, address, values[0], values[1]), values, 0);
        return;
    case 23: {
        uint16_t read[VALUES_MOST];
        told(modbus_write_and_read_registers(modbus, address, count, values, address, count, read),
             read, count);
        return;
    }
    default:
        send_raw(modbus, unit, code, values, count);
    }
}

int main(int count, char **values)
{
    if (count < 4)
        return 2;
    int unit = atoi(values[2]);
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", atoi(values[1]));
    modbus_set_slave(modbus, unit);
    modbus_set_response_timeout(modbus, 25, 0);
    if (modbus_connect(modbus) < 0)
        return 1;
    for (int n = 3; n < count; n++)
        step(modbus, unit, values[n]);
    modbus_close(modbus);
    modbus_free(modbus);
    return 0;
}
