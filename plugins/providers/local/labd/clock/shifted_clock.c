/* The wall clock of one lab host: Linux has no namespace for it, so every dynamically linked process
 * of the host asks here first. What the kernel stamps itself (mtimes, packets) keeps the true time;
 * monotonic clocks are not touched, as a real step does not touch them either. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ns_per_s = 1000000000 };

/* One number, shared with whoever steps the clock: a running process sees the step at once. */
static const volatile int64_t* offset_ns;
static int (*kernel_time)(clockid_t, struct timespec*);

__attribute__((constructor)) static void find_offset(void) {
  kernel_time = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int fd = open("/etc/hyops-lab/offset", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) offset_ns = page;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  /* Other constructors may ask before ours has run. */
  const int failed = kernel_time ? kernel_time(clock, now)
                                 : (int)syscall(SYS_clock_gettime, clock, now);
  if (failed || !offset_ns || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
    return failed;
  int64_t ns = (int64_t)now->tv_sec * ns_per_s + now->tv_nsec + *offset_ns;
  now->tv_sec = ns / ns_per_s;
  now->tv_nsec = ns % ns_per_s;
  return 0;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone; /* obsolete since 4.3BSD, and nobody here asks for it */
  struct timespec fine;
  if (clock_gettime(CLOCK_REALTIME, &fine)) return -1;
  now->tv_sec = fine.tv_sec;
  now->tv_usec = fine.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* into) {
  struct timespec fine;
  if (clock_gettime(CLOCK_REALTIME_COARSE, &fine)) return (time_t)-1;
  if (into) *into = fine.tv_sec;
  return fine.tv_sec;
}

int timespec_get(struct timespec* now, int base) {
  return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}
