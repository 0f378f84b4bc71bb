/*
 * A libmodbus server on a free port of 127.0.0.1: 1,000 addresses of each table, input n reads n, discrete
 * input n is set when n is odd. Says "port N", then serves one connection after the other until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES = 1000 };

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
    return 1;
}

int main(void)
{
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *memory = modbus_mapping_new(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES);
    if (modbus == NULL || memory == NULL)
        return fail("memory");
    for (int n = 0; n < ADDRESSES; n++) {
        memory->tab_input_registers[n] = (uint16_t)n;
        memory->tab_input_bits[n] = (uint8_t)(n & 1);
    }
    int listener = modbus_tcp_listen(modbus, 1);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return fail("listen");
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
        if (modbus_tcp_accept(modbus, &listener) < 0)
            return fail("accept");
        for (;;) {
            int bytes = modbus_receive(modbus, request);
            if (bytes < 0)
                break;
            if (bytes > 0 && modbus_reply(modbus, request, bytes, memory) < 0)
                break;
        }
        modbus_close(modbus);
    }
}
