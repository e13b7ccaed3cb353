// The two loops over time. A thread takes rows of the batch through all steps: no thread waits for another one.
#pragma once
#include <vector>

#include "cells.h"
#include "memory.h"
#include "panels.h"

// What is left of more than this in a cache after a sweep is little.
constexpr size_t MANY_BYTES = size_t(8) << 20;

// The mean over the lags of rows of `width` numbers: what one matrix reads where combine = "mean".
template <class T, class Row> void average(int64_t rows, int64_t lags, int64_t width, Row &&row, T *to) {
  for (int64_t i = 0; i < rows; i++) {
    T *out = to + i * width;
    std::memcpy(out, row(0, i), sizeof(T) * width);
    for (int64_t n = 1; n < lags; n++) {
      const T *next = row(n, i);
      for (int64_t u = 0; u < width; u++) out[u] += next[u];
    }
    for (int64_t u = 0; u < width; u++) out[u] /= T(lags);
  }
}

template <class T, class Cell> struct Forward {
  const Problem<T> &q;
  const Panels<T> shape{q};
  const int64_t panels = shape.bias.template count<T>(q.hidden);
  const T *bias = q.panels, *input = bias + shape.bias.template size<T>(q.hidden, 1);
  const T *past = input + shape.input.template size<T>(q.hidden, q.features);
  const bool streams = STREAMS && q.hidden % LANES<T> == 0 && reinterpret_cast<uintptr_t>(q.gates) % VECTOR_BYTES == 0 &&
                       sizeof(T) * q.rows * q.blocks() * q.hidden >= MANY_BYTES;

  void operator()(int64_t begin, int64_t end) const {
    std::vector<T> averaged(q.mean && q.lags > 1 ? (end - begin) * q.hidden : 0);
    std::vector<const T *> sources(q.matrices());
    for (int64_t step = 0; step < q.steps(); step++) {
      const int64_t rows = q.there(step, begin, end);
      if (rows <= 0) continue;
      for (int64_t n = 0; n < q.matrices(); n++) sources[n] = q.past(q.h_before, q.h, step - q.lag[n], begin);
      if (!averaged.empty()) {
        average<T>(
            rows, q.lags, q.hidden,
            [&](int64_t n, int64_t i) { return q.past(q.h_before, q.h, step - q.lag[n], begin + i); },
            averaged.data());
        sources[0] = averaged.data();
      }
      for (int64_t p = 0; p < panels; p++)
        for_tiles<ACCUMULATORS / Cell::vectors>(rows, [&](auto height, int64_t i) {
          tile<decltype(height)::value>(step, begin + i, p, i, sources.data());
        });
      if (q.limits) silence(step, begin, begin + rows);
    }
    if (streams) streamed();
  }

  template <int M> INLINE void tile(int64_t step, int64_t row, int64_t p, int64_t i, const T *const *sources) const {
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
    const int64_t size = panels * q.hidden * Cell::past * lanes;
    for (int64_t n = 0; n < q.matrices(); n++)
      multiply<T, M, Cell::vectors, Cell::past_from, Cell::past>(
          a, sources[n] + i * q.hidden, q.hidden, q.hidden, past + n * size + p * q.hidden * Cell::past * lanes);
    constexpr int side_by_side = Cell::by_block ? 1 : Cell::vectors;
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < side_by_side; j++) {
        const int64_t unit = (p * side_by_side + j) * lanes;
        const int count = int(q.hidden - unit < lanes ? q.hidden - unit : lanes);
        if (count > 0) Cell::forward(At<T>{q, step, row + m, unit, count, streams}, &a[m][j]);
      }
  }

  void silence(int64_t step, int64_t begin, int64_t end) const {
    for (int64_t row = begin; row < end; row++) {
      if (step < q.limits[row]) continue;
      std::memset(q.h + (step * q.width + row) * q.hidden, 0, sizeof(T) * q.hidden);
      if (q.c) std::memset(q.c + (step * q.width + row) * q.hidden, 0, sizeof(T) * q.hidden);
    }
  }
};

template <class T, class Cell> struct Backward {
  const Problem<T> &q;
  const int64_t first, last;
  const int64_t panels = Panels<T>(q).back.template count<T>(q.hidden);
  const int64_t across = q.blocks() * q.hidden, k = q.from_past() * q.hidden;

  const T *later(int64_t step, int64_t lag, int64_t row) const {
    return q.da + ((step - first + lag) * q.width + row) * across + across - k;
  }

  void operator()(int64_t begin, int64_t end) const {
    std::vector<T> averaged(q.mean && q.lags > 1 ? (end - begin) * k : 0);
    std::vector<Operand<T>> sources(q.matrices());
    for (int64_t step = last - 1; step >= first; step--) {
      const int64_t rows = q.there(step, begin, end);
      if (rows <= 0) continue;
      const int64_t size = panels * k * 2 * LANES<T>;
      for (int64_t n = 0; n < q.matrices(); n++)
        sources[n] = {later(step, q.lag[n], begin), across, k, q.panels + n * size};
      if (!averaged.empty()) {
        average<T>(
            rows, q.lags, k, [&](int64_t n, int64_t i) { return later(step, q.lag[n], begin + i); }, averaged.data());
        sources[0] = {averaged.data(), k, k, q.panels};
      }
      for (int64_t p = 0; p < panels; p++)
        for_tiles<ACCUMULATORS / 2>(rows, [&](auto height, int64_t i) {
          tile<decltype(height)::value>(step, begin + i, p, i, sources);
        });
      if (q.limits) silence(step, begin, begin + rows);
    }
  }

  template <int M>
  INLINE void tile(int64_t step, int64_t row, int64_t p, int64_t i, const std::vector<Operand<T>> &sources) const {
    constexpr int64_t lanes = LANES<T>;
    const T *grad = q.grad_h + ((step - first) * q.width + row) * q.hidden;
    Vector<T> dh[M][2];
    int count[2];
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
      const int64_t left = q.hidden - (p * 2 + j) * lanes;
      count[j] = int(left < lanes ? left : lanes);
#pragma GCC unroll 24
      for (int m = 0; m < M; m++) dh[m][j] = load(grad + m * q.hidden + (p * 2 + j) * lanes, count[j]);
    }
    // The product below takes longer than the way from memory.
#pragma GCC unroll 24
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++)
        if (count[j] > 0) Back<T>{{q, step, row + m, (p * 2 + j) * lanes, count[j]}, first}.fetch();
    for (const Operand<T> &from : sources)
      multiply<T, M, 2, 0, 2>(dh, from.a + i * from.stride, from.stride, from.k, from.panels + p * k * 2 * lanes);
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++)
        if (count[j] > 0) Cell::backward(Back<T>{{q, step, row + m, (p * 2 + j) * lanes, count[j]}, first}, dh[m][j]);
  }

  void silence(int64_t step, int64_t begin, int64_t end) const {
    for (int64_t row = begin; row < end; row++) {
      if (step < q.limits[row]) continue;
      const int64_t local = (step - first) * q.width + row;
      std::memset(q.da + local * across, 0, sizeof(T) * across);
      if (q.kept) std::memset(q.kept + local * q.hidden, 0, sizeof(T) * q.hidden);
    }
  }
};

template <class T> void forward(const Problem<T> &q) {
  const size_t bytes = sizeof(T) * q.rows * q.hidden;
  ask_for_large_pages(q.h, bytes);
  ask_for_large_pages(q.c, bytes);
  ask_for_large_pages(q.gates, bytes * q.blocks());
  pack_forward(q);
  if (q.kind == LSTM)
    for_parts(q, q.width, Forward<T, Lstm<T>>{q});
  else if (q.kind == GRU)
    for_parts(q, q.width, Forward<T, Gru<T>>{q});
  else
    for_parts(q, q.width, Forward<T, Simple<T>>{q});
}

template <class T> void backward(const Problem<T> &q, int64_t first, int64_t last) {
  if (q.kind == LSTM)
    for_parts(q, q.width, Backward<T, Lstm<T>>{q, first, last});
  else if (q.kind == GRU)
    for_parts(q, q.width, Backward<T, Gru<T>>{q, first, last});
  else
    for_parts(q, q.width, Backward<T, Simple<T>>{q, first, last});
}
