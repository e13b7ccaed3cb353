// The functions that Python calls, for one type of number; each type has a file, so that they compile side by side.
#pragma once
#include "backward.h"
#include "forward.h"
#include "step.h"

#define SEQSKIP_EXPORT(T, NAME)                                                                                       \
  extern "C" int64_t seqskip_forward_size_##NAME(const Problem<T> *q) { return forward_size(*q); }                    \
  extern "C" int64_t seqskip_backward_size_##NAME(const Problem<T> *q) { return backward_size(*q); }                  \
  extern "C" void seqskip_forward_##NAME(const Problem<T> *q) { forward(*q); }                                        \
  extern "C" void seqskip_pack_backward_##NAME(const Problem<T> *q) { pack_backward(*q); }                            \
  extern "C" void seqskip_backward_##NAME(const Problem<T> *q, int64_t first, int64_t last) {                         \
    backward(*q, first, last);                                                                                        \
  }                                                                                                                   \
  extern "C" void seqskip_step_##NAME(const Layer *layer, const Call<T> *call) { step(*layer, *call); }
