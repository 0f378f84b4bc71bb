/*
 * A libmodbus client: modbus-client PORT UNIT. Does one thing of each kind and says what came of it, a line
 * each: a name, then the values read, "ok", or "error" with libmodbus's number (an exception is
 * 112345678 + code).
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static modbus_t *modbus;

static void told(const char *name, int result)
{
    if (result < 0)
        printf("%s error %d\n", name, errno);
    else
        printf("%s ok\n", name);
}

static void told_words(const char *name, int result, const uint16_t *words)
{
    if (result < 0) {
        told(name, result);
        return;
    }
    printf("%s", name);
    for (int n = 0; n < result; n++)
        printf(" %u", (unsigned)words[n]);
    printf("\n");
}

static void told_bits(const char *name, int result, const uint8_t *bits)
{
    uint16_t words[MODBUS_MAX_READ_BITS];
    for (int n = 0; n < result; n++)
        words[n] = bits[n];
    told_words(name, result, words);
}

/* A request of our own making: the unit, then the PDU. */
static void told_raw(const char *name, const uint8_t *request, int bytes)
{
    uint8_t reply[MODBUS_TCP_MAX_ADU_LENGTH];
    if (modbus_send_raw_request(modbus, request, bytes) < 0) {
        told(name, -1);
        return;
    }
    int length = modbus_receive_confirmation(modbus, reply);
    printf("%s raw", name);
    for (int n = 7; n < length; n++)
        printf(" %u", (unsigned)reply[n]);
    printf("\n");
}

int main(int count, char **values)
{
    if (count != 3)
        return 2;
    int unit = atoi(values[2]);
    uint8_t bits[MODBUS_MAX_READ_BITS] = {1, 0, 1, 1, 0, 0, 0, 0, 0, 1};
    uint16_t words[MODBUS_MAX_READ_REGISTERS] = {1, 2, 65535};
    modbus = modbus_new_tcp("127.0.0.1", atoi(values[1]));
    if (modbus == NULL || modbus_set_slave(modbus, unit) < 0 || modbus_connect(modbus) < 0) {
        fprintf(stderr, "connect: %s\n", modbus_strerror(errno));
        return 1;
    }
    told("write-coil", modbus_write_bit(modbus, 7, 1));
    told("write-coils", modbus_write_bits(modbus, 100, 10, bits));
    told("write-register", modbus_write_register(modbus, 7, 65535));
    told("write-registers", modbus_write_registers(modbus, 100, 3, words));
    told("mask-register", modbus_mask_write_register(modbus, 7, 0x00f2, 0x0025));
    memset(bits, 9, sizeof bits);
    told_bits("coils", modbus_read_bits(modbus, 100, 10, bits), bits);
    told_bits("inputs", modbus_read_input_bits(modbus, 0, 9, bits), bits);
    told("most-coils", modbus_read_bits(modbus, 0, 2000, bits) == 2000 ? 0 : -1);
    told_words("input-registers", modbus_read_input_registers(modbus, 5, 3, words), words);
    told_words("registers", modbus_read_registers(modbus, 7, 1, words), words);
    words[0] = 11;
    words[1] = 22;
    told_words("write-and-read", modbus_write_and_read_registers(modbus, 101, 2, words, 100, 4, words),
               words);
    told_words("beyond", modbus_read_registers(modbus, 65535, 2, words), words);
    const uint8_t diagnose[] = {(uint8_t)unit, 8, 0, 0, 0, 0};
    told_raw("function-8", diagnose, sizeof diagnose);
    const uint8_t program[] = {(uint8_t)unit, 90, 0, 2};
    told_raw("function-90", program, sizeof program);
    const uint8_t smuggled[] = {(uint8_t)unit, 16, 0, 1, 0, 1, 2, 0, 1, 0, 2};
    told_raw("smuggled", smuggled, sizeof smuggled);
    const uint8_t value[] = {(uint8_t)unit, 5, 0, 1, 0, 1};
    told_raw("coil-value", value, sizeof value);
    told_words("registers-again", modbus_read_registers(modbus, 0, 3, words), words);
    modbus_close(modbus);
    modbus_free(modbus);
    return 0;
}
