// One time step of one layer, for streams. The weights are read where they stand, row by row and each once, so that
// nothing is packed: a dot product for each pre-activation, then the same cells as in the sweeps.
#pragma once
#include "sweep.h"

// What Python hands over of a layer, with the `lags` delays after it, and of one step; step.py packs both so.
struct Layer {
  int64_t kind, hidden, features, lags, combine;  // SUM or MEAN
  int64_t first;  // row of the states at which the delay line of this layer begins

  const int64_t *lag() const { return reinterpret_cast<const int64_t *>(this + 1); }
};

template <class T> struct Call {
  int64_t batch, parts;
  ParallelFor parallel_for;
  const T *weight_ih, *weight_hh, *bias_ih, *bias_hh;  // in torch's order; both biases may be null
  const T *h_before, *c_before;                        // (rows, B, H) of all layers, in each oldest first
  T *h_after, *c_after;                                // the same; c is that of an LSTM alone
  const T *x, *around;                                 // (B, I); (B, H), what is added to the output, or null
  T *y;                                                // (B, H)
};

template <class T> struct Step : Layer, Call<T> {
  const int64_t *lag;
  int64_t begin = first * this->batch * hidden;               // of the delay line, in numbers
  int64_t kept = (lag[lags - 1] - 1) * this->batch * hidden;  // numbers of the states that move up

  Step(const Layer &layer, const Call<T> &call) : Layer(layer), Call<T>(call), lag(layer.lag()) {}

  // The same as a sequence of one step that writes to the end of the delay lines.
  Problem<T> problem() const {
    Problem<T> q{};
    q.kind = kind, q.width = q.rows = this->batch, q.hidden = hidden, q.features = features;
    q.lags = lags, q.combine = combine, q.parts = this->parts, q.lag = lag, q.parallel_for = this->parallel_for;
    q.h_before = this->h_before + begin, q.c_before = this->c_before + begin;
    q.h = this->h_after + begin + kept, q.c = this->c_after + begin + kept;
    return q;
  }
  void move_up(const T *before, T *after) const {
    std::memcpy(after + begin, before + begin + this->batch * hidden, sizeof(T) * kept);
  }
};

constexpr int SIDE_BY_SIDE = 8;  // rows of a weight that are read together

// Add the products of `v` with R rows of a weight that are `stride` numbers apart: LANES at a time, then the rest.
template <class T, int R>
INLINE void add_products(Vector<T> (&sum)[R], T (&rest)[R], const T *weight, int64_t stride, const T *v, int64_t k) {
  int64_t at = 0;
  for (; at + LANES<T> <= k; at += LANES<T>) {
    const Vector<T> b = load(v + at);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sum[r] += load(weight + r * stride + at) * b;
  }
  for (; at < k; at++)
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) rest[r] += weight[r * stride + at] * v[at];
}

// Out of line, or the compiler keeps the sums in memory all the time instead of in registers.
template <class T> __attribute__((noinline)) void add_sums(const T *lanes, int64_t rows, T *to) {
  for (int64_t r = 0; r < rows; r++) to[r] += sum_of<T>(load(lanes + r * LANES<T>));
}

// The pre-activations of one block of units; `in` and `out` say which rows of the weights feed it, negative for none.
template <class T> struct Block {
  const Step<T> &s;
  const T *const *sources;  // of each matrix what it reads, (B, H)
  int64_t row, in, out;

  template <int R> INLINE void sum(int64_t i, T *a) const {
    const int64_t matrices = s.combine == SUM ? s.lags : 1, stride = matrices * s.hidden;
    Vector<T> sum[R];
    T rest[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      sum[r] = fill(T(0));
      rest[r] = s.bias_ih && in >= 0 ? s.bias_ih[in + i + r] : T(0);
      if (s.bias_hh && out >= 0) rest[r] += s.bias_hh[out + i + r];
    }
    if (in >= 0)
      add_products<T, R>(
          sum, rest, s.weight_ih + (in + i) * s.features, s.features, s.x + row * s.features, s.features);
    if (out >= 0)
      for (int64_t n = 0; n < matrices; n++)
        add_products<T, R>(
            sum, rest, s.weight_hh + (out + i) * stride + n * s.hidden, stride, sources[n] + row * s.hidden, s.hidden);
    T lanes[R * LANES<T>];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      store(lanes + r * LANES<T>, sum[r]);
      a[i + r] = rest[r];
    }
    add_sums<T>(lanes, R, a + i);
  }
  __attribute__((noinline)) void operator()(int64_t count, T *a) const {
    int64_t i = 0;
    for (; i + SIDE_BY_SIDE <= count; i += SIDE_BY_SIDE) sum<SIDE_BY_SIDE>(i, a);
    for (; i < count; i++) sum<1>(i, a);
  }
};

template <class T, class Cell> struct Advance {
  const Step<T> &s;
  const Problem<T> &q;
  const T *const *sources;
  static constexpr int blocks = Cell::by_block ? Cell::vectors : 1;

  void operator()(int64_t begin, int64_t end) const {  // panels of LANES units
    for (int64_t unit = begin * LANES<T>; unit < end * LANES<T>; unit += LANES<T>)
      for (int64_t row = 0; row < q.width; row++) {
        const int count = int(q.hidden - unit < LANES<T> ? q.hidden - unit : LANES<T>);
        T sums[blocks * LANES<T>]{};
        for (int block = 0; block < blocks; block++) {
          // The blocks that the past feeds are the last ones; the input feeds the first ones, in torch's order shifted.
          const int64_t past = block - Cell::past_from, input = past < 0 ? q.from_input() - 1 : past;
          Block<T>{s, sources, row, block < q.from_input() ? input * q.hidden + unit : -1,
                   past < 0 ? -1 : past * q.hidden + unit}(count, sums + block * LANES<T>);
        }
        Vector<T> a[blocks];
        for (int block = 0; block < blocks; block++) a[block] = load(sums + block * LANES<T>);
        Cell::forward(At<T>{q, 0, row, unit, count}, a);
      }
  }
};

template <class T> void step(const Layer &layer, const Call<T> &call) {
  const Step<T> s(layer, call);
  const Problem<T> q = s.problem();
  const int64_t size = q.width * q.hidden, panels = (q.hidden + LANES<T> - 1) / LANES<T>;
  std::vector<T> averaged(q.combine == MEAN && q.lags > 1 ? size : 0);
  std::vector<const T *> sources(q.lags);
  for (int64_t n = 0; n < q.lags; n++) sources[n] = q.past(q.h_before, q.h, -q.lag[n], 0);
  if (!averaged.empty()) {
    average(averaged.data(), size, q.lags, [&](int64_t n) { return sources[n]; });
    sources[0] = averaged.data();
  }
  if (q.kind == LSTM)
    for_parts(q, panels, Advance<T, Lstm<T>>{s, q, sources.data()});
  else if (q.kind == GRU)
    for_parts(q, panels, Advance<T, Gru<T>>{s, q, sources.data()});
  else
    for_parts(q, panels, Advance<T, Simple<T>>{s, q, sources.data()});
  s.move_up(s.h_before, s.h_after);
  if (q.kind == LSTM) s.move_up(s.c_before, s.c_after);
  for (int64_t i = 0; i < size; i++) s.y[i] = s.around ? q.h[i] + s.around[i] : q.h[i];
}
