// Random schedules: builds with TONIO_STRESS_POINTS lose time on purpose at the places
// where the order of threads decides, so that rare orders become common. What is lost
// where follows from the seed that the environment variable TONIO_STRESS_SEED gives; without
// it, and in all other builds, a point does nothing.
#pragma once

namespace tonio::base {

#ifdef TONIO_STRESS_POINTS
// Sometimes gives the processor away, or wastes up to 200 us. Safe with a lock held and
// while attached; touches nothing of Python's.
void stress_point();
#else
inline void stress_point() {}
#endif

}  // namespace tonio::base
