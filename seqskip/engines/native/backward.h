// The backward sweep over one segment: the gradients of the pre-activations, and what gates hand back.
#pragma once
#include "cells.h"
#include "sweep.h"

template <class T, class Cell> struct Backward {
  const Problem<T> &q;
  const int64_t first, last;
  const int64_t panels = Panels<T>(q).back.template count<T>(q.hidden);
  const int64_t across = q.blocks() * q.hidden, k = q.from_past() * q.hidden, size = panels * k * 2 * LANES<T>;

  int64_t steps() const { return last - first; }
  int64_t at(int64_t n) const { return last - 1 - n; }
  int64_t local(int64_t step, int64_t row) const { return (step - first) * q.width + row; }

  void gather(int64_t step, int64_t begin, int64_t rows, Sources<T> &sources) const {
    if (q.dm) {  // the products with the matrix are done; one with that of a gate may be left
      sources.each.clear();
      if (q.gate_hh)
        sources.each.push_back({q.dlogits + local(step + 1, begin) * q.lags, q.lags, q.lags, q.panels + size});
      return;
    }
    sources.gather(q, rows, k, across, q.panels, size, [&](int64_t n) {
      return q.da + ((step - first + q.lag[n]) * q.width + begin) * across + across - k;
    });
  }

  void units(int64_t step, int64_t begin, int64_t rows, const Sources<T> &sources, int64_t from, int64_t to) const {
    for (int64_t p = from; p < to; p++)
      for_tiles<ACCUMULATORS / 2>(rows, [&](auto height, int64_t i) {
        constexpr int M = decltype(height)::value;
        if (!q.ended(step, begin + i, M)) tile<M>(step, begin + i, p, i, sources);
      });
  }

  template <int M> INLINE void tile(int64_t step, int64_t row, int64_t p, int64_t i, const Sources<T> &sources) const {
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
    for (const Operand<T> &from : sources.each)
      multiply<T, M, 2, 0, 2>(dh, from.a + i * from.stride, from.stride, from.k, from.panels + p * from.k * 2 * lanes);
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++)
        if (count[j] > 0) {
          const Back<T> at{{q, step, row + m, (p * 2 + j) * lanes, count[j]}, first};
          q.dm ? divided(at, dh[m][j]) : Cell::backward(at, dh[m][j]);
        }
  }

  // Out of line: one piece of code, whose products are rounded or not before they are added, for tiles of any height.
  static __attribute__((noinline)) void divided(const Back<T> &at, Vector<T> dh) {
    Cell::backward(at, dh + at.later(at.q.dm));
  }

  // Where delayed states have shares of their own, ∂L/∂ of their sum is found once and then divided among them.
  bool divides() const { return q.dm; }

  // Pull ∂L/∂a of a step back to that sum.
  void pull(int64_t step, int64_t begin, int64_t rows, int64_t from, int64_t to) const {
    for (int64_t p = from; p < to; p++)
      for_tiles<ACCUMULATORS / 2>(rows, [&](auto height, int64_t i) {
        constexpr int M = decltype(height)::value;
        if (!q.ended(step, begin + i, M)) pull_tile<M>(local(step, begin + i), p);
      });
  }

  template <int M> INLINE void pull_tile(int64_t row, int64_t p) const {
    Vector<T> dm[M][2]{};
    multiply<T, M, 2, 0, 2>(dm, q.da + row * across + across - k, across, k, q.panels + p * k * 2 * LANES<T>);
    for (int m = 0; m < M; m++)
#pragma GCC unroll 2
      for (int j = 0; j < 2; j++) {
        const int64_t unit = (p * 2 + j) * LANES<T>, left = q.hidden - unit;
        if (left > 0) store(q.dm + (row + m) * q.hidden + unit, dm[m][j], int(left < LANES<T> ? left : LANES<T>));
      }
  }

  // Pull it back to the logits of a gate's shares.
  void weigh(int64_t step, int64_t begin, int64_t rows) const {
    for (int64_t row = begin; q.gate_hh && row < begin + rows; row++) {
      const int64_t here = local(step, row);
      const T *shares = q.shares + (step * q.width + row) * q.lags, *dm = q.dm + here * q.hidden;
      T *to = q.dlogits + here * q.lags, total = 0;
      for (int64_t n = 0; n < q.lags; n++) {
        T by_share = dot(dm, q.past(q.h_before, q.h, step - q.lag[n], row), q.hidden);
        if (q.kept)
          by_share += dot(q.kept + here * q.hidden, q.c ? q.past(q.c_before, q.c, step - q.lag[n], row)
                                                        : q.past(q.h_before, q.h, step - q.lag[n], row), q.hidden);
        total += to[n] = shares[n] * by_share;
      }
      for (int64_t n = 0; n < q.lags; n++) to[n] -= shares[n] * total;
    }
  }

  void silence(int64_t step, int64_t begin, int64_t end) const {
    const int64_t offset = (step - first) * q.width;
    silence_rows(q, step, begin, end, q.da + offset * across, across);
    silence_rows(q, step, begin, end, q.dm ? q.dm + offset * q.hidden : nullptr, q.hidden);
    silence_rows(q, step, begin, end, q.kept ? q.kept + offset * q.hidden : nullptr, q.hidden);
  }

  void finish() const {}
};

template <class T> void backward(const Problem<T> &q, int64_t first, int64_t last) {
  if (q.kind == LSTM)
    run(q, Backward<T, Lstm<T>>{q, first, last});
  else if (q.kind == GRU)
    run(q, Backward<T, Gru<T>>{q, first, last});
  else
    run(q, Backward<T, Simple<T>>{q, first, last});
}
