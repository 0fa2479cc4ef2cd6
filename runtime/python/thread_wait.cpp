#include "python/thread_wait.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "python/host.h"
#include "python/task_dump.h"

namespace tonio::python {
namespace {

// What handlers write to, made by the first watch.
int pipe_read = -1;  // the main thread only
std::atomic<int> pipe_write{-1};
// Handlers touch these and the pipe, on any thread.
std::atomic<bool> term_came{false};
std::atomic<bool> dump_asked{false};
std::atomic<bool> term_is_kept{false};  // by a TermKeeper

void tell_watch() {
  const int saved = errno;
  const char byte = 0;  // no number of a signal: those are Python's
  // A full pipe wakes the reader as well.
  [[maybe_unused]] const ssize_t written = ::write(pipe_write.load(), &byte, 1);
  errno = saved;
}

void note(std::atomic<bool>& what) {
  what.store(true);
  tell_watch();
}

void on_term(int) { note(term_came); }
void on_dump_signal(int) { note(dump_asked); }

// Of a TermKeeper. Nobody has heard the first one for so long that there is a second.
void keep_term(int) {
  if (!term_came.exchange(true)) return tell_watch();  // which may have begun since
  struct sigaction unhandled {};
  unhandled.sa_handler = SIG_DFL;
  ::sigaction(SIGTERM, &unhandled, nullptr);
  ::raise(SIGTERM);
}

using Handler = void (*)(int);

// What is in place where nobody has put a handler of the program's there.
Handler usual(int signal) { return signal == SIGTERM && term_is_kept.load() ? keep_term : SIG_DFL; }

// Puts `handler` in place of the usual one, or of the default.
bool take_over(int signal, Handler handler) {
  struct sigaction current {};
  ::sigaction(signal, nullptr, &current);
  if ((current.sa_flags & SA_SIGINFO) ||
      (current.sa_handler != SIG_DFL && current.sa_handler != usual(signal))) {
    return false;
  }
  struct sigaction ours {};
  ours.sa_handler = handler;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  return ::sigaction(signal, &ours, nullptr) == 0;
}

void give_back(int signal, Handler handler) {
  struct sigaction current {};
  ::sigaction(signal, nullptr, &current);
  // A handler of Python's may have put another one there meanwhile.
  if ((current.sa_flags & SA_SIGINFO) || current.sa_handler != handler) return;
  current.sa_handler = usual(signal);
  ::sigaction(signal, &current, nullptr);
}

bool open_pipe() {
  if (pipe_read >= 0) return true;
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
  pipe_read = ends[0];
  pipe_write.store(ends[1]);
  return true;
}

unsigned long main_thread = 0;

}  // namespace

void remember_main_thread() { main_thread = PyThread_get_thread_ident(); }

// Python runs signal handlers in the interpreter's main thread only.
bool on_main_thread() { return PyThread_get_thread_ident() == main_thread; }

SignalWatch::SignalWatch() {
  if (!on_main_thread() || !open_pipe()) return;
  active_ = true;
  previous_wakeup_fd_ = PySignal_SetWakeupFd(pipe_write.load());

  owns_term_ = take_over(SIGTERM, on_term);
  const int dump = Host::instance().options.dump_signal;
  if (take_over(dump, on_dump_signal)) dump_signal_ = dump;
}

SignalWatch* SignalWatch::dispatching_ = nullptr;

SignalWatch::~SignalWatch() {
  if (!active()) return;
  if (dispatching_ == this) dispatching_ = nullptr;
  if (owns_term_) give_back(SIGTERM, on_term);
  if (dump_signal_ != 0) {
    give_back(dump_signal_, on_dump_signal);
    dump_asked.store(false);
  }
  PySignal_SetWakeupFd(previous_wakeup_fd_);
  // One that came too late for handle() does what it would have done without us.
  if (owns_term_ && term_came.exchange(false)) ::raise(SIGTERM);
}

int SignalWatch::fd() const { return active_ ? pipe_read : -1; }

bool term_is_due() { return term_came.load(); }

void SignalWatch::in_forked_child() {
  term_is_kept.store(false);
  give_back(SIGTERM, on_term);
  give_back(SIGTERM, keep_term);
  give_back(Host::instance().options.dump_signal, on_dump_signal);
  // What has come is the parent's.
  term_came.store(false);
  dump_asked.store(false);
  // And so is who reads the pipe. Python has no more to do here than to note the number.
  const int fd = PySignal_SetWakeupFd(-1);
  if (fd != pipe_write.load()) PySignal_SetWakeupFd(fd);
}

std::string SignalWatch::take() {
  std::string came;
  if (Host::instance().forked()) return came;  // the other end is the parent's
  char bytes[64];
  for (ssize_t count; (count = ::read(pipe_read, bytes, sizeof bytes)) > 0;) {
    came.append(bytes, static_cast<std::size_t>(count));
  }
  return came;
}

void SignalWatch::hand_to(Ref dispatch) {
  dispatch_ = std::move(dispatch);
  if (active()) dispatching_ = dispatch_ ? this : nullptr;
}

// An exception that is set already stays, and makes it false.
bool SignalWatch::dispatch(const std::string& numbers) {
  Ref before = Ref::steal(PyErr_GetRaisedException());
  Ref bytes = Ref::steal(
      PyBytes_FromStringAndSize(numbers.data(), static_cast<Py_ssize_t>(numbers.size())));
  Ref raised = bytes ? Ref::steal(PyObject_CallOneArg(dispatch_.get(), bytes.get())) : Ref();
  if (raised && raised.get() != Py_None) PyErr_SetRaisedException(raised.release());
  if (before) PyErr_SetRaisedException(before.release());
  return !PyErr_Occurred();
}

bool SignalWatch::handle() {
  due_ = !handle_all();
  return !due_;
}

bool SignalWatch::handle_all() {
  const std::string came = take();
  const bool fine = PyErr_CheckSignals() == 0;
  // A handler has forked: receivers are the parent's.
  if (Host::instance().forked()) return fine;
  // Not by the handlers: Python calls one once when its signal has come twice meanwhile.
  if (!(dispatching_ ? dispatching_->dispatch(came) : fine)) return false;
  if (term_came.exchange(false)) {
    Ref code = Ref::steal(PyLong_FromLong(128 + SIGTERM));
    if (code) PyErr_SetObject(PyExc_SystemExit, code.get());
    return false;
  }
  return !dump_asked.exchange(false) || dump_tasks("what the tasks are doing");
}

TermKeeper::TermKeeper() {
  if (take_over(SIGTERM, keep_term)) term_is_kept.store(true);
}

TermKeeper::~TermKeeper() {
  if (!term_is_kept.exchange(false)) return;
  give_back(SIGTERM, keep_term);
  if (term_came.exchange(false)) ::raise(SIGTERM);
}

ThreadWait::ThreadWait() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

bool ThreadWait::check() const {
  if (event_.valid()) return true;
  errno = EMFILE;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

ThreadWait::Woken ThreadWait::wait(const SignalWatch& signals, base::Instant deadline) {
  if (signals.due()) return Woken::kSignal;
  pollfd fds[2] = {{event_.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
  const Detached detached;
  for (;;) {
    int timeout = -1;
    if (deadline != base::kNever) {
      const base::Instant left = deadline - base::now();
      if (left <= 0) return Woken::kDeadline;
      timeout = static_cast<int>(std::min<base::Instant>(left / 1'000 + 1, 60'000));
    }
    if (::poll(fds, 2, timeout) <= 0) continue;
    if (fds[1].revents != 0) return Woken::kSignal;
    if (fds[0].revents != 0) {
      eventfd_t count;
      eventfd_read(event_.get(), &count);
      return Woken::kEvent;
    }
  }
}

}  // namespace tonio::python
