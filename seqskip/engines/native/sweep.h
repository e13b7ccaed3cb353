// What the two sweeps over time share: what a step's products read, and how threads divide the work.
#pragma once
#include <vector>

#include "panels.h"

// The mean over the lags of `k` numbers each; at(n) points to those of lag n.
template <class T, class At> void average(T *out, int64_t k, int64_t lags, At &&at) {
  std::memcpy(out, at(0), sizeof(T) * k);
  for (int64_t n = 1; n < lags; n++) {
    const T *next = at(n);
    for (int64_t u = 0; u < k; u++) out[u] += next[u];
  }
  for (int64_t u = 0; u < k; u++) out[u] /= T(lags);
}

// The factors of one step's matrix products. Where combine = "mean" there is one, the mean over the lags.
template <class T> struct Sources {
  std::vector<Operand<T>> each;
  std::vector<T> averaged;

  // Row i of the factor at lag n is at(n) + i * stride; the panels of a matrix are `size` numbers.
  template <class At> void gather(const Problem<T> &q, int64_t rows, int64_t k, int64_t stride, const T *panels,
                                  int64_t size, At &&at) {
    each.resize(q.matrices());
    for (int64_t n = 0; n < q.matrices(); n++) each[n] = {at(n), stride, k, panels + n * size};
    if (q.combine != MEAN || q.lags == 1) return;
    averaged.resize(rows * k);
    for (int64_t i = 0; i < rows; i++)
      average(averaged.data() + i * k, k, q.lags, [&](int64_t n) { return at(n) + i * stride; });
    each[0] = {averaged.data(), k, k, panels};
  }
};

// Run the rows `begin` to `end` - 1 of a sweep through all its steps.
template <class T, class Sweep> void run_rows(const Problem<T> &q, const Sweep &sweep, int64_t begin, int64_t end) {
  Sources<T> sources;
  for (int64_t n = 0; n < sweep.steps(); n++) {
    const int64_t step = sweep.at(n), rows = q.there(step, begin, end);
    if (rows <= 0) continue;
    sweep.gather(step, begin, rows, sources);
    sweep.units(step, begin, rows, sources, 0, sweep.panels);
    if (sweep.divides()) sweep.pull(step, begin, rows, 0, sweep.panels);
    if (q.limits) sweep.silence(step, begin, begin + rows);
    if (sweep.divides()) sweep.weigh(step, begin, rows);
  }
  sweep.finish();
}

// Run all rows of a sweep; threads divide the units of each step and meet after it.
template <class T, class Sweep> void run_units(const Problem<T> &q, const Sweep &sweep) {
  Sources<T> sources;
  for (int64_t n = 0; n < sweep.steps(); n++) {
    const int64_t step = sweep.at(n), rows = q.there(step, 0, q.width);
    sweep.gather(step, 0, rows, sources);
    for_parts(q, sweep.panels, [&](int64_t first, int64_t last) {
      sweep.units(step, 0, rows, sources, first, last);
      sweep.finish();
    });
    if (sweep.divides()) for_parts(q, sweep.panels, [&](int64_t f, int64_t l) { sweep.pull(step, 0, rows, f, l); });
    if (q.limits) sweep.silence(step, 0, rows);
    if (sweep.divides()) sweep.weigh(step, 0, rows);
  }
}

// No number depends on who computes it: each is the sum of the same products in the same order.
template <class T, class Sweep> void run(const Problem<T> &q, const Sweep &sweep) {
  if (q.by_units)
    run_units(q, sweep);
  else
    for_parts(q, q.width, [&](int64_t begin, int64_t end) { run_rows(q, sweep, begin, end); });
}

// Set what the rows of a step hold to zero where their sample has ended; `across` numbers a row.
template <class T>
void silence_rows(const Problem<T> &q, int64_t step, int64_t begin, int64_t end, T *rows, int64_t across) {
  for (int64_t row = begin; row < end; row++)
    if (rows && step >= q.limits[row]) std::memset(rows + row * across, 0, sizeof(T) * across);
}
