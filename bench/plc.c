/*
 * A fast stand-in for PLCs: Modbus TCP on loopback, memory behind it, nothing else. It costs as little as a device
 * can, so that what is measured is what stands in front of it.
 *
 * usage: plc COUNT     COUNT devices, each on a free port and with memory of its own. Prints `ports P1 P2 ...`.
 *                      Ends on SIGTERM with one line of JSON: the reads and writes it carried out, and how many
 *                      requests came while the one before on the same connection was not answered yet.
 *
 * Serves functions 1..6, 15 and 16; coils and discrete inputs share memory, so do both kinds of registers.
 * One request at a time on each connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEVICES_MAX 64
#define EVENTS_MAX 64
#define MBAP 7
#define FRAME_MAX 260

struct device {
    uint16_t words[65536 + 128];
    uint8_t bits[65536 + 2048];
};

struct end {
    int fd;
    int listens;
    size_t held;
    struct device *device;
    uint8_t bytes[4096];
};

static volatile sig_atomic_t asked_to_end;
static unsigned long reads, writes, overlapping;

static void on_end(int signal_number) {
    (void)signal_number;
    asked_to_end = 1;
}

static unsigned get16(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static size_t refuse(uint8_t *pdu, uint8_t function, uint8_t code) {
    pdu[0] = function | 0x80;
    pdu[1] = code;
    return 2;
}

static size_t read_bits(const struct device *device, unsigned address, unsigned quantity, uint8_t *pdu) {
    size_t bytes = (quantity + 7) / 8;
    pdu[1] = (uint8_t)bytes;
    memset(pdu + 2, 0, bytes);
    for (unsigned i = 0; i < quantity; i++)
        if (device->bits[address + i]) pdu[2 + i / 8] |= (uint8_t)(1u << (i % 8));
    reads++;
    return 2 + bytes;
}

static size_t read_words(const struct device *device, unsigned address, unsigned quantity, uint8_t *pdu) {
    pdu[1] = (uint8_t)(quantity * 2);
    for (unsigned i = 0; i < quantity; i++) put16(pdu + 2 + 2 * i, device->words[address + i]);
    reads++;
    return 2 + 2 * quantity;
}

static size_t echo(const uint8_t *request, uint8_t *pdu) {
    memcpy(pdu, request, 5);
    writes++;
    return 5;
}

/* Carries out one PDU of `length` bytes and returns the length of the reply's PDU. */
static size_t serve(struct device *device, const uint8_t *request, size_t length, uint8_t *pdu) {
    uint8_t function = request[0];
    if (length < 5) return refuse(pdu, function, 3);
    unsigned address = get16(request + 1), value = get16(request + 3);
    pdu[0] = function;
    switch (function) {
    case 1:
    case 2:
        if (value < 1 || value > 2000) return refuse(pdu, function, 3);
        return read_bits(device, address, value, pdu);
    case 3:
    case 4:
        if (value < 1 || value > 125) return refuse(pdu, function, 3);
        return read_words(device, address, value, pdu);
    case 5:
        device->bits[address] = value == 0xff00;
        return echo(request, pdu);
    case 6:
        device->words[address] = (uint16_t)value;
        return echo(request, pdu);
    case 15:
        if (value < 1 || value > 1968 || length < 6 + (value + 7) / 8) return refuse(pdu, function, 3);
        for (unsigned i = 0; i < value; i++) device->bits[address + i] = request[6 + i / 8] >> (i % 8) & 1;
        return echo(request, pdu);
    case 16:
        if (value < 1 || value > 123 || length < 6 + 2 * value) return refuse(pdu, function, 3);
        for (unsigned i = 0; i < value; i++) device->words[address + i] = (uint16_t)get16(request + 6 + 2 * i);
        return echo(request, pdu);
    default:
        return refuse(pdu, function, 1);
    }
}

static void answer(const struct end *end, const uint8_t *frame, size_t length) {
    uint8_t reply[FRAME_MAX + 64];
    memcpy(reply, frame, MBAP);
    size_t pdu = serve(end->device, frame + MBAP, length - MBAP, reply + MBAP);
    put16(reply + 4, (unsigned)pdu + 1);
    if (send(end->fd, reply, MBAP + pdu, MSG_NOSIGNAL) < 0) return; /* its end shows on the next read */
}

/* Answers every whole frame held; returns 0 when the connection is to be closed. */
static int answer_all(struct end *end) {
    size_t at = 0;
    unsigned served = 0;
    while (end->held - at >= MBAP + 1) {
        const uint8_t *frame = end->bytes + at;
        size_t length = 6 + get16(frame + 4);
        if (length < MBAP + 1 || length > FRAME_MAX || get16(frame + 2) != 0) return 0;
        if (end->held - at < length) break;
        if (served++ > 0) overlapping++;
        answer(end, frame, length);
        at += length;
    }
    memmove(end->bytes, end->bytes + at, end->held - at);
    end->held -= at;
    return 1;
}

static void watch(int poller, struct end *end) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, end->fd, &event) != 0) exit(2);
}

static struct end *make_end(int fd, int listens, struct device *device) {
    struct end *end = calloc(1, sizeof *end);
    if (end == NULL) exit(2);
    end->fd = fd;
    end->listens = listens;
    end->device = device;
    return end;
}

static void accept_one(int poller, const struct end *listener) {
    int one = 1, fd = accept(listener->fd, NULL, NULL);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(poller, make_end(fd, 0, listener->device));
}

static void hear(int poller, struct end *end) {
    if (end->listens) {
        accept_one(poller, end);
        return;
    }
    ssize_t got = recv(end->fd, end->bytes + end->held, sizeof end->bytes - end->held, 0);
    if (got > 0) end->held += (size_t)got;
    if (got > 0 && answer_all(end)) return;
    close(end->fd);
    free(end);
}

static int open_listener(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 256) != 0) {
        perror("plc: no port");
        exit(2);
    }
    return fd;
}

static unsigned port_of(int fd) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) exit(2);
    return ntohs(address.sin_port);
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 1;
    if (count < 1 || count > DEVICES_MAX) {
        fprintf(stderr, "usage: plc COUNT   (1..%d)\n", DEVICES_MAX);
        return 2;
    }
    struct sigaction action = {.sa_handler = on_end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int poller = epoll_create1(0);
    printf("ports");
    for (int i = 0; i < count; i++) {
        struct device *device = calloc(1, sizeof *device);
        if (device == NULL) return 2;
        int fd = open_listener();
        watch(poller, make_end(fd, 1, device));
        printf(" %u", port_of(fd));
    }
    printf("\n");
    fflush(stdout);
    while (!asked_to_end) {
        struct epoll_event events[EVENTS_MAX];
        int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) hear(poller, events[i].data.ptr);
    }
    printf("{\"reads\":%lu,\"writes\":%lu,\"overlapping\":%lu}\n", reads, writes, overlapping);
    return 0;
}
