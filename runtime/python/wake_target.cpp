#include "python/wake_target.h"

#include "python/host.h"

namespace tonio::python {

WakeTargets::Listener::~Listener() {
  // In a child nobody is there to tell, and the lock may be the parent's.
  if (!Host::instance().forked()) targets_.listeners_.lock()->remove(*this);
}

}  // namespace tonio::python
