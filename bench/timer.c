/*
 * How late a plain C process wakes on this machine, now: the yardstick for the guard's scan.
 *
 * usage: timer PERIOD_US SECONDS     one line of JSON: ticks, p50, p99 and worst lateness in microseconds.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICKS_MAX 1000000

static int64_t ns(const struct timespec *t) { return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec; }

static int by_size(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    int64_t period = (argc > 1 ? atoll(argv[1]) : 0) * 1000;
    double seconds = argc > 2 ? atof(argv[2]) : 0;
    int64_t ticks = period > 0 ? (int64_t)(seconds * 1e9) / period : 0;
    if (ticks < 1 || ticks > TICKS_MAX) {
        fprintf(stderr, "usage: timer PERIOD_US SECONDS\n");
        return 2;
    }
    int64_t *late = calloc((size_t)ticks, sizeof *late);
    if (late == NULL) return 2;
    struct timespec now, due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (int64_t i = 0; i < ticks; i++) {
        int64_t at = ns(&due) + period;
        due.tv_sec = at / 1000000000;
        due.tv_nsec = at % 1000000000;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {}
        clock_gettime(CLOCK_MONOTONIC, &now);
        late[i] = ns(&now) - at;
    }
    qsort(late, (size_t)ticks, sizeof *late, by_size);
    printf("{\"ticks\":%lld,\"p50Us\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f}\n", (long long)ticks, late[ticks / 2] / 1e3,
           late[ticks * 99 / 100] / 1e3, late[ticks - 1] / 1e3);
    return 0;
}
