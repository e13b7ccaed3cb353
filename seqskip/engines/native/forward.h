// The forward sweep: states, and gates where they are kept.
#pragma once
#include <algorithm>
#include <cmath>

#include "cells.h"
#include "memory.h"
#include "sweep.h"

// What is left of more than this in a cache after a sweep is little.
constexpr size_t MANY_BYTES = size_t(8) << 20;

template <class T, class Cell> struct Forward {
  const Problem<T> &q;
  const Panels<T> shape{q};
  const int64_t panels = shape.bias.template count<T>(q.hidden);
  const T *bias = q.panels, *input = bias + shape.bias.template size<T>(q.hidden, 1);
  const T *past = input + shape.input.template size<T>(q.hidden, q.features);
  const bool streams = STREAMS && q.hidden % LANES<T> == 0 && reinterpret_cast<uintptr_t>(q.gates) % VECTOR_BYTES == 0 &&
                       sizeof(T) * q.rows * q.blocks() * q.hidden >= MANY_BYTES;

  int64_t steps() const { return q.steps(); }
  int64_t at(int64_t n) const { return n; }

  void gather(int64_t step, int64_t begin, int64_t rows, Sources<T> &sources) const {
    sources.gather(q, rows, q.hidden, q.hidden, past, panels * q.hidden * Cell::past * LANES<T>,
                   [&](int64_t n) { return q.past(q.h_before, q.h, step - q.lag[n], begin); });
    if (!q.shares) return;
    sources.averaged.resize(rows * q.hidden);
    for (int64_t i = 0; i < rows; i++) {
      if (q.gate_hh) share(step, begin + i);
      combine(step, begin + i, sources.averaged.data() + i * q.hidden);
    }
    sources.each[0].a = sources.averaged.data();
  }

  // The shares of a gate in one row: the softmax of what x and h say.
  void share(int64_t step, int64_t row) const {
    const T *x = q.x + (step * q.width + row) * q.features, *h = q.past(q.h_before, q.h, step - 1, row);
    T *shares = q.shares + (step * q.width + row) * q.lags, total = 0;
    for (int64_t n = 0; n < q.lags; n++)
      shares[n] = q.gate_bias[n] + dot(x, q.gate_ih + n * q.features, q.features) +
                  dot(h, q.gate_hh + n * q.hidden, q.hidden);
    const T most = *std::max_element(shares, shares + q.lags);
    for (int64_t n = 0; n < q.lags; n++) total += shares[n] = std::exp(shares[n] - most);
    for (int64_t n = 0; n < q.lags; n++) shares[n] /= total;
  }

  void combine(int64_t step, int64_t row, T *to) const {
    for (int64_t unit = 0; unit < q.hidden; unit += LANES<T>) {
      const int count = int(q.hidden - unit < LANES<T> ? q.hidden - unit : LANES<T>);
      store(to + unit, At<T>{q, step, row, unit, count}.combined(q.h_before, q.h), count);
    }
  }

  void units(int64_t step, int64_t begin, int64_t rows, const Sources<T> &sources, int64_t first, int64_t last) const {
    for (int64_t p = first; p < last; p++)
      for_tiles<ACCUMULATORS / Cell::vectors>(rows, [&](auto height, int64_t i) {
        constexpr int M = decltype(height)::value;
        if (!q.ended(step, begin + i, M)) tile<M>(step, begin + i, p, i, sources);
      });
  }

  template <int M> INLINE void tile(int64_t step, int64_t row, int64_t p, int64_t i, const Sources<T> &sources) const {
    constexpr int64_t lanes = LANES<T>;
    Vector<T> a[M][Cell::vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Cell::vectors; j++) {
      const Vector<T> b = load(bias + (p * Cell::vectors + j) * lanes);
#pragma GCC unroll 24
      for (int m = 0; m < M; m++) a[m][j] = b;
    }
    multiply<T, M, Cell::vectors, Cell::input_from, Cell::input>(
        a, q.x + (step * q.width + row) * q.features, q.features, q.features,
        input + p * q.features * Cell::input * lanes);
    for (const Operand<T> &from : sources.each)
      multiply<T, M, Cell::vectors, Cell::past_from, Cell::past>(
          a, from.a + i * from.stride, from.stride, from.k, from.panels + p * from.k * Cell::past * lanes);
    constexpr int side_by_side = Cell::by_block ? 1 : Cell::vectors;
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < side_by_side; j++) {
        const int64_t unit = (p * side_by_side + j) * lanes;
        const int count = int(q.hidden - unit < lanes ? q.hidden - unit : lanes);
        if (count <= 0) continue;
        const At<T> at{q, step, row + m, unit, count, streams};
        q.shares ? divided(at, &a[m][j]) : Cell::forward(at, &a[m][j]);
      }
  }

  // Out of line, for the reason that there is in the backward sweep.
  static __attribute__((noinline)) void divided(const At<T> &at, const Vector<T> *a) { Cell::forward(at, a); }

  void silence(int64_t step, int64_t begin, int64_t end) const {
    const int64_t offset = step * q.width * q.hidden;
    silence_rows(q, step, begin, end, q.h + offset, q.hidden);
    silence_rows(q, step, begin, end, q.c ? q.c + offset : nullptr, q.hidden);
  }

  void finish() const {
    if (streams) streamed();
  }

  static constexpr bool divides() { return false; }
  void pull(int64_t, int64_t, int64_t, int64_t, int64_t) const {}
  void weigh(int64_t, int64_t, int64_t) const {}
};

template <class T> void forward(const Problem<T> &q) {
  const size_t bytes = sizeof(T) * q.rows * q.hidden;
  ask_for_large_pages(q.h, bytes);
  ask_for_large_pages(q.c, bytes);
  ask_for_large_pages(q.gates, bytes * q.blocks());
  pack_forward(q);
  if (q.kind == LSTM)
    run(q, Forward<T, Lstm<T>>{q});
  else if (q.kind == GRU)
    run(q, Forward<T, Gru<T>>{q});
  else
    run(q, Forward<T, Simple<T>>{q});
}
