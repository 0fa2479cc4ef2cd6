/* echo_client SIZE CONNECTIONS WARM_UP_S SECONDS HOST PORT SERVER_PID
 *
 * Load for an echo server: each connection sends SIZE bytes, reads them back,
 * and sends the next. The answers of the warm-up are compared byte by byte;
 * after it, the requests that end within SECONDS are counted, and the server's
 * CPU clock is read at both ends of that time. Prints one JSON object. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kStallMs = 5000 };

typedef struct {
  int fd;
  int wants_write; /* EPOLLOUT is registered */
  size_t sent, received;
  int64_t start_ns;
} Connection;

typedef struct {
  uint32_t *ns;
  size_t count, capacity;
} Latencies;

static size_t size;
static char *request, *answer;
static int epoll_fd, checking = 1;
static Latencies latencies;

static void fail(const char *what) {
  fprintf(stderr, "echo_client: %s\n", what);
  exit(1);
}

static void check(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static int64_t clock_ns(clockid_t clock) {
  struct timespec t;
  check(clock_gettime(clock, &t) == 0, "clock_gettime");
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void record(int64_t ns) {
  if (latencies.count == latencies.capacity) {
    latencies.capacity = latencies.capacity ? 2 * latencies.capacity : 1 << 20;
    latencies.ns = realloc(latencies.ns, latencies.capacity * sizeof *latencies.ns);
    check(latencies.ns != NULL, "realloc");
  }
  latencies.ns[latencies.count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static void watch(int operation, Connection *c) {
  struct epoll_event event = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c};
  check(epoll_ctl(epoll_fd, operation, c->fd, &event) == 0, "epoll_ctl");
}

static void write_some(Connection *c) {
  while (c->sent < size) {
    ssize_t n = send(c->fd, request + c->sent, size - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) break;
    check(n >= 0, "send");
    c->sent += (size_t)n;
  }
  int wants_write = c->sent < size;
  if (wants_write != c->wants_write) {
    c->wants_write = wants_write;
    watch(EPOLL_CTL_MOD, c);
  }
}

static void begin_request(Connection *c) {
  c->sent = c->received = 0;
  c->start_ns = clock_ns(CLOCK_MONOTONIC);
  write_some(c);
}

static void read_some(Connection *c) {
  ssize_t n = recv(c->fd, answer, size, 0);
  if (n < 0 && errno == EAGAIN) return;
  check(n >= 0, "recv");
  if (n == 0) fail("the server closed a connection");
  if (c->received + (size_t)n > c->sent) fail("the server sent more than it was sent");
  if (checking && memcmp(answer, request + c->received, (size_t)n)) fail("the answer is not the request");
  c->received += (size_t)n;
  if (c->received < size) return;
  record(clock_ns(CLOCK_MONOTONIC) - c->start_ns);
  begin_request(c);
}

static void run_until(int64_t end_ns) {
  struct epoll_event events[256];
  while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
    int n = epoll_wait(epoll_fd, events, 256, kStallMs);
    check(n >= 0 || errno == EINTR, "epoll_wait");
    if (n == 0) fail("no answer on any connection for 5 s");
    for (int i = 0; i < n; i++) {
      Connection *c = events[i].data.ptr;
      if (events[i].events & ~(unsigned)EPOLLOUT) read_some(c);
      if (c->wants_write && events[i].events & EPOLLOUT) write_some(c);
    }
  }
}

static void connect_to(const char *host, int port, Connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("HOST is not an IPv4 address");
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(c->fd >= 0, "socket");
  check(connect(c->fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  check(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double percentile_us(double p) {
  return latencies.ns[(size_t)(p * (double)(latencies.count - 1))] / 1e3;
}

int main(int argc, char **argv) {
  if (argc != 8) fail("usage: echo_client SIZE CONNECTIONS WARM_UP_S SECONDS HOST PORT SERVER_PID");
  size = strtoul(argv[1], NULL, 10);
  size_t n = strtoul(argv[2], NULL, 10);
  if (!size || !n) fail("SIZE and CONNECTIONS must be positive");
  int64_t warm_up_ns = (int64_t)(atof(argv[3]) * 1e9), seconds_ns = (int64_t)(atof(argv[4]) * 1e9);
  clockid_t server_cpu;
  if (clock_getcpuclockid(atoi(argv[7]), &server_cpu)) fail("no such server process");

  request = malloc(size);
  answer = malloc(size);
  Connection *connections = calloc(n, sizeof *connections);
  check(request && answer && connections, "malloc");
  for (size_t i = 0; i < size; i++) request[i] = (char)(i * 31 + i / 251);

  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  check(epoll_fd >= 0, "epoll_create1");
  for (size_t i = 0; i < n; i++) {
    connect_to(argv[5], atoi(argv[6]), &connections[i]);
    watch(EPOLL_CTL_ADD, &connections[i]);
  }
  for (size_t i = 0; i < n; i++) begin_request(&connections[i]);

  run_until(clock_ns(CLOCK_MONOTONIC) + warm_up_ns);
  checking = 0;
  latencies.count = 0;
  int64_t cpu = clock_ns(server_cpu), start = clock_ns(CLOCK_MONOTONIC);
  run_until(start + seconds_ns);
  cpu = clock_ns(server_cpu) - cpu;
  double elapsed = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;

  size_t count = latencies.count;
  if (!count) fail("no request ended in the measured time");
  qsort(latencies.ns, count, sizeof *latencies.ns, by_value);
  printf("{\"requests\": %zu, \"requests_per_s\": %.1f, \"server_cpu_us\": %.4f, ", count, (double)count / elapsed,
         (double)cpu / 1e3 / (double)count);
  printf("\"p50_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f}\n", percentile_us(0.5), percentile_us(0.99),
         percentile_us(1));
}
