// What Python hands over: one layer, one sequence, and where to write. kernels.py has the same structure.
#pragma once
#include "tile.h"

enum Kind : int64_t { TANH, RELU, LSTM, GRU };
enum Combine : int64_t { SUM, MEAN, GATE, LEARNED };  // SUM wherever there is one delay

typedef void (*Body)(int64_t begin, int64_t end, void *context);
typedef int (*ParallelFor)(int64_t begin, int64_t end, int64_t grain, Body body, void *context);

template <class T> struct Problem {
  int64_t kind, width, rows, hidden, features, lags, combine, parts, by_units;
  const int64_t *lag;     // (lags), in steps, ascending
  const int64_t *limits;  // (width), the steps that each row of a step runs for, or null for all
  ParallelFor parallel_for;
  T *panels;
  const T *x, *weight_ih, *weight_hh, *bias, *h_before, *c_before;  // bias may be null
  T *h, *c, *gates;                                                  // gates may be null: nothing is kept
  const T *grad_h, *grad_c;                                          // of one segment; grad_c may be null
  T *da, *kept;                                                      // of one segment and the depth after it
  T *dh;                                                             // of one segment; may be null: it is not asked for
  const T *gate_ih, *gate_hh, *gate_bias;  // of the logits of a gate's shares, (lags, ...); or null
  T *shares;   // of a gate, (rows and the depth after them, lags), or learned ones, (lags, hidden); null for equal ones
  T *dm;       // where there are shares, of one segment and the depth after it
  T *dlogits;  // of a gate, the same

  int64_t steps() const { return (rows + width - 1) / width; }
  int64_t depth() const { return lag[lags - 1]; }
  int64_t matrices() const { return combine == SUM ? lags : 1; }
  bool gated() const { return kind >= LSTM; }
  int64_t blocks() const { return gated() ? 4 : 1; }
  int64_t from_input() const { return kind == GRU ? 3 : blocks(); }  // blocks that the input feeds
  int64_t from_past() const { return kind == GRU ? 3 : blocks(); }   // blocks that the past feeds, the last ones

  // A row of the states at a step, the steps before the first one included.
  const T *past(const T *before, const T *after, int64_t step, int64_t row) const {
    return step >= 0 ? after + (step * width + row) * hidden : before + ((step + depth()) * width + row) * hidden;
  }

  // Whether nothing is left to do in some rows of a step: their samples have ended.
  bool ended(int64_t step, int64_t row, int64_t count) const {
    for (int64_t i = 0; i < count; i++)
      if (!limits || step < limits[row + i]) return false;
    return true;
  }

  // Rows of a step that are there, of those from `begin` to `end` - 1.
  int64_t there(int64_t step, int64_t begin, int64_t end) const {
    const int64_t left = rows - step * width;
    return (end < left ? end : left) - begin;
  }
};

// Run body(begin, end) on `count` things, cut into parts.
template <class T, class F> void for_parts(const Problem<T> &q, int64_t count, const F &body) {
  if (q.parts == 1) return body(0, count);
  struct Context {
    const F *body;
    int64_t parts, count;
  } context{&body, q.parts, count};
  q.parallel_for(
      0, q.parts, 1,
      [](int64_t begin, int64_t end, void *given) {
        const Context &c = *static_cast<Context *>(given);
        for (int64_t i = begin; i < end; i++) (*c.body)(c.count * i / c.parts, c.count * (i + 1) / c.parts);
      },
      &context);
}
