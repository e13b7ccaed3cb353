// Large pages for large buffers.
#pragma once
#include <cstddef>
#include <cstdint>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// Fresh memory comes in pages of 4 KiB, each of which costs a trap when it is first written: at 100 MiB that is a third
// of a forward sweep. Ask for pages of 2 MiB; where the system gives none, nothing changes.
inline void ask_for_large_pages(void *buffer, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  constexpr uintptr_t page = uintptr_t(2) << 20;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(buffer) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(buffer) + bytes) / page * page;
  if (buffer && begin < end) madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)buffer, (void)bytes;
#endif
}
