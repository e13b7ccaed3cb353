// One vector register of numbers, and the two functions that gates need. GCC's and clang's vector extension: the
// same source becomes AVX-512, AVX2, SSE or NEON code, whichever the compiler was told this machine has.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
constexpr int ACCUMULATORS = 24;  // of 32 registers; the rest hold one row of a panel and one broadcast number
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
constexpr int ACCUMULATORS = 12;  // of 16
#elif defined(__aarch64__)
constexpr int VECTOR_BYTES = 16;
constexpr int ACCUMULATORS = 24;  // of 32
#else
constexpr int VECTOR_BYTES = 16;
constexpr int ACCUMULATORS = 12;  // of 16
#endif

#define INLINE inline __attribute__((always_inline))

typedef float FloatVector __attribute__((vector_size(VECTOR_BYTES)));
typedef double DoubleVector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t Int32Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t Int64Vector __attribute__((vector_size(VECTOR_BYTES)));

// What exp needs to know of a type. e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2 = 0.347, ln 2 in two parts
// of which the first times n is exact. e^r - 1 = r + r^2 (1/2 + r/6 + ...): the first term left out is below 2^-25 r
// (float) and 2^-55 r (double). Adding `shift` = 1.5 * 2^mantissa and a whole number rounds to an
// integer, and leaves it in the low bits.
template <class T> struct Traits;

template <> struct Traits<float> {
  typedef FloatVector Vector;
  typedef Int32Vector Int;
  static constexpr int mantissa = 23, bias = 127, terms = 6;
  static constexpr float shift = 12582912.0f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  static constexpr int shrink = 24;
  static constexpr float least = -20.0f, most = 104.6f;  // sigmoid is 1 where -x is below, 0 where it is beyond
  static constexpr float saturated = 20.0f;              // tanh(x) = 1 where 2x is beyond
};

template <> struct Traits<double> {
  typedef DoubleVector Vector;
  typedef Int64Vector Int;
  static constexpr int mantissa = 52, bias = 1023, terms = 12;
  static constexpr double shift = 6755399441055744.0, ln2_high = 6.93147180369123816490e-01;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr int shrink = 54;
  static constexpr double least = -40.0, most = 746.4, saturated = 40.0;
};

template <class T> using Vector = typename Traits<T>::Vector;
template <class T> constexpr int LANES = VECTOR_BYTES / int(sizeof(T));

template <class T> INLINE Vector<T> fill(T value) { return Vector<T>{} + value; }

template <class T> INLINE Vector<T> load(const T *from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T> INLINE void store(T *to, Vector<T> v) { std::memcpy(to, &v, sizeof v); }

// The first `count` numbers of a vector; the others are zero.
template <class T> INLINE Vector<T> load(const T *from, int count) {
  if (count >= LANES<T>) return load(from);
  Vector<T> v{};
  for (int i = 0; i < count; i++) v[i] = from[i];
  return v;
}

template <class T> INLINE void store(T *to, Vector<T> v, int count) {
  if (count >= LANES<T>) return store(to, v);
  for (int i = 0; i < count; i++) to[i] = v[i];
}

// Store a vector that fills a line of the cache on its way to memory, without reading that line first.
#if defined(__AVX512F__)
constexpr bool STREAMS = true;
INLINE void stream(float *to, FloatVector v) { _mm512_stream_ps(to, v); }
INLINE void stream(double *to, DoubleVector v) { _mm512_stream_pd(to, v); }
INLINE void streamed() { _mm_sfence(); }  // so that other threads see it
#else
constexpr bool STREAMS = false;
template <class T, class V> INLINE void stream(T *to, V v) { std::memcpy(to, &v, sizeof v); }
INLINE void streamed() {}
#endif

// The sum of the numbers of a vector, half by half.
template <class T, int BYTES = VECTOR_BYTES> struct Sum {
  typedef T Whole __attribute__((vector_size(BYTES)));
  typedef typename Sum<T, BYTES / 2>::Whole Half;
  static INLINE T of(Whole v) {
    Half low, high;
    std::memcpy(&low, &v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char *>(&v) + sizeof low, sizeof high);
    return Sum<T, BYTES / 2>::of(low + high);
  }
};
template <class T> struct Sum<T, 2 * sizeof(T)> {
  typedef T Whole __attribute__((vector_size(2 * sizeof(T))));
  static INLINE T of(Whole v) { return v[0] + v[1]; }
};

template <class T> INLINE T sum_of(Vector<T> v) { return Sum<T>::of(v); }

template <class T> INLINE T dot(const T *a, const T *b, int64_t k) {
  Vector<T> sum{};
  for (int64_t at = 0; at < k; at += LANES<T>) {
    const int count = int(k - at < LANES<T> ? k - at : LANES<T>);
    sum += load(a + at, count) * load(b + at, count);
  }
  return sum_of<T>(sum);
}

// NaN stays NaN: every comparison with it is false.
#if defined(__AVX512F__)  // gcc makes two instructions of each comparison here, and one elsewhere
INLINE FloatVector clamp(FloatVector x, float least, float most) {
  return _mm512_max_ps(fill(least), _mm512_min_ps(fill(most), x));
}
INLINE DoubleVector clamp(DoubleVector x, double least, double most) {
  return _mm512_max_pd(fill(least), _mm512_min_pd(fill(most), x));
}
#else
template <class V, class T> INLINE V clamp(V x, T least, T most) {
  x = x > fill(most) ? fill(most) : x;
  return x < fill(least) ? fill(least) : x;
}
#endif

// 1 / (terms + 1)! ... 1 / 2!, highest power first.
template <class T> struct Series {
  T of[Traits<T>::terms];
  constexpr Series() : of() {
    T factorial = 1;
    for (int k = 2; k <= Traits<T>::terms + 1; k++) {
      factorial *= T(k);
      of[Traits<T>::terms + 1 - k] = T(1) / factorial;
    }
  }
};

// Split 2^-SHRINK e^x into scale = 2^(n - SHRINK) and rest = e^r - 1.
template <class T, int SHRINK = 0> INLINE void split_exp(Vector<T> x, Vector<T> &scale, Vector<T> &rest) {
  using At = Traits<T>;
  constexpr Series<T> series;
  constexpr T shift = At::shift + T(At::bias - SHRINK);
  const Vector<T> shifted = x * T(1.4426950408889634) + shift, n = shifted - shift;
  const Vector<T> r = x - n * At::ln2_high - n * At::ln2_low;
  Vector<T> sum = fill(series.of[0]);
#pragma GCC unroll 16
  for (int k = 1; k < At::terms; k++) sum = sum * r + series.of[k];
  rest = r + r * r * sum;
  scale = (Vector<T>)((typename At::Int)shifted << At::mantissa);  // the low bits become the exponent
}

// tanh x = m / (m + 2) with m = e^2x - 1, exact near 0 too. Its error is below 2.5 units in the last place, as is that
// of the sigmoid, over all floats and doubles: tests/engines/test_functions.py measures them.
template <class T> INLINE Vector<T> tanh_of(Vector<T> x) {
  Vector<T> scale, rest;
  split_exp<T>(clamp(x + x, -Traits<T>::saturated, Traits<T>::saturated), scale, rest);
  const Vector<T> m = scale * rest + (scale - T(1));
  return m / (m + T(2));
}

// 1 / (1 + e^-x) = s / (s + s e^-x) with s = 2^-shrink, so that e^-x does not overflow before the quotient is 0.
template <class T> INLINE Vector<T> sigmoid_of(Vector<T> x) {
  using At = Traits<T>;
  constexpr T s = T(1) / T(int64_t(1) << At::shrink);
  Vector<T> scale, rest;
  split_exp<T, At::shrink>(clamp(-x, At::least, At::most), scale, rest);
  return s / (s + scale * (T(1) + rest));
}
