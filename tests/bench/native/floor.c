/* The floor of "million": what CPython itself needs to run coroutines that
 * suspend once, driven by nothing but PyIter_Send. A runtime can come close to
 * it, and a runtime in C++ can't get below it.
 *
 *     depth_first(list)    send until it returns, then the next
 *     round_robin(list)    one send to each, then the second to each
 *
 * The bench shows both. depth_first is the least that the work can cost; a runtime
 * runs in the other order, since a coroutine that gives way lets the others go first.
 *
 * Both give (wall seconds, CPU seconds). Both take the coroutines out of the list before the clock starts and release
 * each one as soon as it has returned: a runtime has to free them as well.
 * suspend() is the cheapest awaitable that there can be: it yields None once. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <time.h>

typedef struct {
  PyObject_HEAD
  int yielded;
} Suspend;

static PyObject *suspend_next(PyObject *self) {
  Suspend *suspend = (Suspend *)self;
  if (suspend->yielded) return NULL; /* no exception set: the result is None */
  suspend->yielded = 1;
  Py_RETURN_NONE;
}

static PyAsyncMethods suspend_async = {.am_await = PyObject_SelfIter};

static PyTypeObject SuspendType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "tonio_bench_floor.Suspend",
    .tp_basicsize = sizeof(Suspend),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = suspend_next,
    .tp_as_async = &suspend_async,
};

static PyObject *suspend(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  Suspend *self = PyObject_New(Suspend, &SuspendType);
  if (self) self->yielded = 0;
  return (PyObject *)self;
}

typedef struct {
  double wall, cpu;
} Instant;

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static Instant now(void) {
  return (Instant){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

/* Owned references to what was in the list; the list is empty afterwards. */
static PyObject **take(PyObject *list, Py_ssize_t *count) {
  if (!PyList_Check(list)) {
    PyErr_SetString(PyExc_TypeError, "a list of coroutines is expected");
    return NULL;
  }
  Py_ssize_t n = *count = PyList_Size(list);
  PyObject **items = PyMem_Malloc((size_t)(n ? n : 1) * sizeof *items);
  if (!items) return (PyObject **)PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < n; i++) items[i] = Py_NewRef(PyList_GET_ITEM(list, i));
  if (PyList_SetSlice(list, 0, n, NULL) < 0) {
    for (Py_ssize_t i = 0; i < n; i++) Py_DECREF(items[i]);
    PyMem_Free(items);
    return NULL;
  }
  return items;
}

/* One send. Releases *item, and clears it, when it has returned or failed. */
static PySendResult send(PyObject **item) {
  PyObject *value = NULL;
  PySendResult result = PyIter_Send(*item, Py_None, &value);
  Py_XDECREF(value);
  if (result != PYGEN_NEXT) Py_CLEAR(*item);
  return result;
}

static PyObject *finish(PyObject **items, Py_ssize_t n, Instant start) {
  Instant end = now();
  for (Py_ssize_t i = 0; i < n; i++) Py_XDECREF(items[i]); /* after a failure */
  PyMem_Free(items);
  return PyErr_Occurred() ? NULL : Py_BuildValue("dd", end.wall - start.wall, end.cpu - start.cpu);
}

static PyObject *depth_first(PyObject *module, PyObject *list) {
  (void)module;
  Py_ssize_t n;
  PyObject **items = take(list, &n);
  if (!items) return NULL;
  Instant start = now();
  for (Py_ssize_t i = 0; i < n; i++) {
    PySendResult result;
    do {
      result = send(&items[i]);
    } while (result == PYGEN_NEXT);
    if (result == PYGEN_ERROR) break;
  }
  return finish(items, n, start);
}

static PyObject *round_robin(PyObject *module, PyObject *list) {
  (void)module;
  Py_ssize_t n;
  PyObject **items = take(list, &n);
  if (!items) return NULL;
  Instant start = now();
  for (int pending = 1; pending;) {
    pending = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
      if (!items[i]) continue;
      PySendResult result = send(&items[i]);
      if (result == PYGEN_ERROR) return finish(items, n, start);
      pending |= result == PYGEN_NEXT;
    }
  }
  return finish(items, n, start);
}

static PyMethodDef methods[] = {
    {"suspend", suspend, METH_NOARGS, "an awaitable that yields None once"},
    {"depth_first", depth_first, METH_O, "send to each until it returns"},
    {"round_robin", round_robin, METH_O, "send to each in turn until all have returned"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "tonio_bench_floor", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_tonio_bench_floor(void) {
  if (PyType_Ready(&SuspendType) < 0) return NULL;
  PyObject *self = PyModule_Create(&module);
#ifdef Py_GIL_DISABLED
  if (self) PyUnstable_Module_SetGIL(self, Py_MOD_GIL_NOT_USED);
#endif
  return self;
}
