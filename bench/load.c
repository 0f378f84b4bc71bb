/*
 * Asks a Modbus TCP server as fast as it answers: a fixed number of requests in flight, each latency kept.
 *
 * usage: load PORT FUNCTION CONNECTIONS IN_FLIGHT WARM_MS RUN_MS UNITS ADDRESS SPREAD QUANTITY LOW HIGH
 *   IN_FLIGHT   lanes of each connection, one request of each on its way; a plain Modbus client has 1
 *   UNITS       connection i asks unit 1 + i % UNITS
 *   SPREAD      lane k of connection i asks at ADDRESS + (i / UNITS * IN_FLIGHT + k) % SPREAD * QUANTITY, so that writers
 *               do not meet
 *   LOW, HIGH   written values walk up and down between these, one step a request
 * Loopback only. One line of JSON: requests, seconds, latencies in microseconds, exceptions by code.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define IN_FLIGHT_MAX 256
#define SAMPLES_MAX (1 << 22)
#define FRAME_MAX 260
#define SILENCE_MS 5000

struct plan {
    int port, function, connections, in_flight, warm_ms, run_ms, units, address, spread, quantity, low, high;
};

struct line {
    int fd;
    uint16_t next_id, due_id;
    unsigned waiting;
    int64_t sent_at[IN_FLIGHT_MAX];
    size_t held;
    uint8_t request[FRAME_MAX];
    size_t request_length;
    /* Replies come in the order of their requests: the lane that asks next is the one that was answered. */
    int first_lane, lane;
    int value[IN_FLIGHT_MAX], step[IN_FLIGHT_MAX];
    uint8_t bytes[8192];
};

static struct plan plan;
static float *samples;
static size_t sample_count;
static unsigned long exceptions[256], mismatched;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void give_up(const char *why) {
    fprintf(stderr, "load: %s\n", why);
    exit(2);
}

static void put16(uint8_t *at, int value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void write_request(struct line *line, int index) {
    int unit = 1 + index % plan.units;
    uint8_t *q = line->request;
    q[6] = (uint8_t)unit;
    q[7] = (uint8_t)plan.function;
    put16(q + 10, plan.function == 6 ? plan.low : plan.quantity);
    line->request_length = 12;
    if (plan.function == 16) {
        q[12] = (uint8_t)(2 * plan.quantity);
        line->request_length = 13 + 2 * (size_t)plan.quantity;
    }
    put16(q + 4, (int)line->request_length - 6);
    line->first_lane = index / plan.units * plan.in_flight;
    for (int k = 0; k < plan.in_flight; k++) {
        line->value[k] = plan.low;
        line->step[k] = 1;
    }
}

/* Where and what the next lane asks. */
static void next_lane(struct line *line) {
    int k = line->lane, *value = &line->value[k], *step = &line->step[k];
    line->lane = (k + 1) % plan.in_flight;
    put16(line->request + 8, plan.address + (line->first_lane + k) % plan.spread * plan.quantity);
    if (plan.function != 6 && plan.function != 16) return;
    if (*value + *step > plan.high || *value + *step < plan.low) *step = -*step;
    *value += *step;
    if (plan.function == 6) put16(line->request + 10, *value);
    else
        for (int i = 0; i < plan.quantity; i++) put16(line->request + 13 + 2 * i, *value);
}

static void ask(struct line *line) {
    next_lane(line);
    put16(line->request, line->next_id);
    line->sent_at[line->next_id % IN_FLIGHT_MAX] = now_ns();
    line->next_id++;
    line->waiting++;
    if (send(line->fd, line->request, line->request_length, MSG_NOSIGNAL) != (ssize_t)line->request_length)
        give_up("the server closed a connection, or takes no more");
}

static void take(struct line *line, const uint8_t *frame, int measuring) {
    unsigned id = (unsigned)frame[0] << 8 | frame[1];
    int64_t at = now_ns();
    if (id != line->due_id || (frame[7] & 0x7f) != plan.function) mismatched++;
    if (frame[7] & 0x80) exceptions[frame[8]]++;
    if (measuring && sample_count < SAMPLES_MAX)
        samples[sample_count++] = (float)(at - line->sent_at[line->due_id % IN_FLIGHT_MAX]) / 1000;
    line->due_id++;
    line->waiting--;
}

/* Takes every whole reply and asks again for each, unless the run is over. */
static void hear(struct line *line, int measuring, int over) {
    ssize_t got = recv(line->fd, line->bytes + line->held, sizeof line->bytes - line->held, 0);
    if (got <= 0) give_up("the server closed a connection");
    line->held += (size_t)got;
    size_t at = 0;
    while (line->held - at >= 9) {
        size_t length = 6 + ((size_t)line->bytes[at + 4] << 8 | line->bytes[at + 5]);
        if (length < 9 || length > FRAME_MAX) give_up("a reply of an impossible length");
        if (line->held - at < length) break;
        take(line, line->bytes + at, measuring);
        at += length;
        if (!over) ask(line);
    }
    memmove(line->bytes, line->bytes + at, line->held - at);
    line->held -= at;
}

static int open_connection(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)plan.port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) give_up("nobody listens there");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int by_size(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static void report(double seconds) {
    if (sample_count == 0) give_up("no reply was measured");
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf("{\"requests\":%zu,\"seconds\":%.4f,\"perSecond\":%.1f,\"p50Us\":%.2f,\"p90Us\":%.2f,\"p99Us\":%.2f,\"maxUs\":%.2f,"
           "\"mismatched\":%lu,\"exceptions\":{",
           sample_count, seconds, (double)sample_count / seconds, samples[sample_count / 2], samples[sample_count * 9 / 10],
           samples[sample_count * 99 / 100], samples[sample_count - 1], mismatched);
    for (int code = 0, first = 1; code < 256; code++) {
        if (exceptions[code] == 0) continue;
        printf("%s\"%d\":%lu", first ? "" : ",", code, exceptions[code]);
        first = 0;
    }
    printf("}}\n");
}

static void read_plan(int argc, char **argv) {
    int *fields[] = {&plan.port,  &plan.function, &plan.connections, &plan.in_flight, &plan.warm_ms, &plan.run_ms,
                     &plan.units, &plan.address,  &plan.spread,      &plan.quantity,  &plan.low,     &plan.high};
    if (argc != 13) give_up("usage: load PORT FUNCTION CONNECTIONS IN_FLIGHT WARM_MS RUN_MS UNITS ADDRESS SPREAD QUANTITY LOW HIGH");
    for (int i = 0; i < 12; i++) *fields[i] = atoi(argv[i + 1]);
    if (plan.connections < 1 || plan.connections > CONNECTIONS_MAX) give_up("CONNECTIONS is out of range");
    if (plan.in_flight < 1 || plan.in_flight > IN_FLIGHT_MAX / 2) give_up("IN_FLIGHT is out of range");
    if (plan.units < 1 || plan.spread < 1 || plan.quantity < 1 || plan.quantity > 123) give_up("a count is out of range");
    if (plan.run_ms < 1 || plan.run_ms > 3600000) give_up("RUN_MS is out of range");
}

static double run(struct line **lines, int poller) {
    int64_t begun = now_ns(), measured_from = begun + plan.warm_ms * 1000000ll;
    int64_t end = measured_from + plan.run_ms * 1000000ll, last = measured_from;
    for (int i = 0; i < plan.connections; i++)
        for (int k = 0; k < plan.in_flight; k++) ask(lines[i]);
    unsigned waiting = 1;
    while (waiting > 0) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, SILENCE_MS);
        if (ready == 0) give_up("the server fell silent");
        int64_t at = now_ns();
        for (int i = 0; i < ready; i++) hear(events[i].data.ptr, at >= measured_from && at < end, at >= end);
        if (at < end) {
            last = at;
            continue;
        }
        waiting = 0;
        for (int i = 0; i < plan.connections; i++) waiting += lines[i]->waiting;
    }
    return (double)(last - measured_from) / 1e9;
}

int main(int argc, char **argv) {
    read_plan(argc, argv);
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    struct line **lines = calloc((size_t)plan.connections, sizeof *lines);
    int poller = epoll_create1(0);
    if (samples == NULL || lines == NULL || poller < 0) give_up("no memory");
    for (int i = 0; i < plan.connections; i++) {
        lines[i] = calloc(1, sizeof **lines);
        if (lines[i] == NULL) give_up("no memory");
        lines[i]->fd = open_connection();
        write_request(lines[i], i);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = lines[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, lines[i]->fd, &event) != 0) give_up("epoll");
    }
    report(run(lines, poller));
    return 0;
}
