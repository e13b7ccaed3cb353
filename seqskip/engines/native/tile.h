// The matrix product of a few rows by a few vectors of columns, held in registers.
#pragma once
#include "vec.h"

// One product of a sum of products: rows of `k` numbers, `stride` apart, times columns of a weight matrix.
template <class T> struct Operand {
  const T *a;
  int64_t stride, k;
  const T *panels;  // the columns, packed so that they are read in order: [panel][k][vector]
};

// sum[i][j + FROM] += a[i] . panel[:, j] for N of the ALL vectors of a tile.
template <class T, int M, int ALL, int FROM, int N>
INLINE void multiply(Vector<T> (&sum)[M][ALL], const T *a, int64_t stride, int64_t k, const T *panel) {
  for (int64_t at = 0; at < k; at++, panel += N * LANES<T>) {
    Vector<T> b[N];
#pragma GCC unroll 4
    for (int j = 0; j < N; j++) b[j] = load(panel + j * LANES<T>);
#pragma GCC unroll 24
    for (int i = 0; i < M; i++) {
      const Vector<T> v = fill(a[i * stride + at]);
#pragma GCC unroll 4
      for (int j = 0; j < N; j++) sum[i][FROM + j] += v * b[j];
    }
  }
}

template <int N> struct Constant {
  static constexpr int value = N;
};

// Call f with a number from 1 to MOST that is known when compiling.
template <int MOST, class F> INLINE void with_constant(int64_t number, F &&f) {
  if constexpr (MOST > 1)
    if (number < MOST) return with_constant<MOST - 1>(number, f);
  f(Constant<MOST>{});
}

// Cut rows into tiles of nearly equal height, at most MOST, and call f(height, first row).
template <int MOST, class F> INLINE void for_tiles(int64_t rows, F &&f) {
  const int64_t tiles = (rows + MOST - 1) / MOST;
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t begin = rows * i / tiles, end = rows * (i + 1) / tiles;
    with_constant<MOST>(end - begin, [&](auto height) { f(height, begin); });
  }
}
