/* echo_server RECV_SIZE [THREADS]: the floor of "echo", a bare level-triggered epoll loop on
 * each thread, which get the connections in turn.
 *
 * One recv of at most RECV_SIZE bytes per readiness event, like the Python
 * servers; what the socket doesn't take at once is kept, and the connection is
 * not read again until it is gone. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  int fd, epoll_fd;
  size_t begin, end; /* unsent bytes: buffer[begin, end) */
  char buffer[];
} Connection;

static int listener;
static size_t recv_size;
static int epoll_fds[64];
static size_t thread_count = 1, accepted;

static void check(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static void watch(int epoll_fd, int operation, int fd, unsigned events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  check(epoll_ctl(epoll_fd, operation, fd, &event) == 0, "epoll_ctl");
}

static void close_connection(Connection *c) {
  close(c->fd);
  free(c);
}

static void accept_one(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  Connection *c = malloc(sizeof *c + recv_size);
  check(c != NULL, "malloc");
  c->fd = fd;
  c->epoll_fd = epoll_fds[accepted++ % thread_count];
  c->begin = c->end = 0;
  watch(c->epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

/* False: the peer is gone. */
static int flush(Connection *c) {
  while (c->begin < c->end) {
    ssize_t n = send(c->fd, c->buffer + c->begin, c->end - c->begin, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    c->begin += (size_t)n;
  }
  return 1;
}

static void serve(Connection *c) {
  int was_blocked = c->begin < c->end;
  if (!was_blocked) {
    ssize_t n = recv(c->fd, c->buffer, recv_size, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close_connection(c);
    c->begin = 0;
    c->end = (size_t)n;
  }
  if (!flush(c)) return close_connection(c);
  int is_blocked = c->begin < c->end;
  if (is_blocked != was_blocked)
    watch(c->epoll_fd, EPOLL_CTL_MOD, c->fd, is_blocked ? EPOLLOUT : EPOLLIN, c);
}

static void *loop(void *epoll_fd) {
  for (;;) {
    struct epoll_event events[256];
    int n = epoll_wait(*(int *)epoll_fd, events, 256, -1);
    check(n >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < n; i++) {
      Connection *c = events[i].data.ptr;
      if (c)
        serve(c);
      else
        accept_one();
    }
  }
}

int main(int argc, char **argv) {
  if (argc > 1) recv_size = strtoul(argv[1], NULL, 10);
  if (argc > 2) thread_count = strtoul(argv[2], NULL, 10);
  if (!recv_size || !thread_count || thread_count > sizeof epoll_fds / sizeof *epoll_fds)
    return fprintf(stderr, "usage: echo_server RECV_SIZE [THREADS]\n"), 2;

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  check(listener >= 0, "socket");
  check(bind(listener, (struct sockaddr *)&address, length) == 0, "bind");
  check(listen(listener, 128) == 0, "listen");
  check(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
  for (size_t i = 0; i < thread_count; i++) {
    epoll_fds[i] = epoll_create1(EPOLL_CLOEXEC);
    check(epoll_fds[i] >= 0, "epoll_create1");
  }
  watch(epoll_fds[0], EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
  printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);

  for (size_t i = 1; i < thread_count; i++) {
    pthread_t thread;
    check(pthread_create(&thread, NULL, loop, &epoll_fds[i]) == 0, "pthread_create");
  }
  loop(&epoll_fds[0]);
}
