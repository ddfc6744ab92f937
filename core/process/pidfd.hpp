// Process descriptors for C++: glibc 2.36 declares them without extern "C".
#pragma once

extern "C" {
#include <sys/pidfd.h>
}
