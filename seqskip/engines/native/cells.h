// The recurrences: from the sums of one tile to gates and states, and back. Equations: seqskip/cells.
#pragma once
#include "problem.h"

// One row of a tile, from unit `unit` on, `count` of its numbers there.
template <class T> struct At {
  const Problem<T> &q;
  int64_t step, row, unit;
  int count;
  bool streams = false;  // the gates: they are too many to stay in the cache until they are read

  int64_t place() const { return step * q.width + row; }
  T *state(T *of) const { return of + place() * q.hidden + unit; }
  T *gate(int64_t block) const { return q.gates + (place() * 4 + block) * q.hidden + unit; }
  Vector<T> read(const T *from) const { return load(from, count); }
  void write(T *to, Vector<T> v) const { store(to, v, count); }
  void note(int64_t block, Vector<T> v) const { streams ? stream(gate(block), v) : write(gate(block), v); }

  // The share of the state a delay before a step in the sum of that step, which is `ahead` steps after this one.
  Vector<T> share(int64_t n, int64_t ahead = 0) const {
    return q.gate_hh ? fill(q.shares[(place() + ahead * q.width) * q.lags + n]) : read(q.shares + n * q.hidden + unit);
  }
  // The sum of the delayed h or c, each with its share.
  Vector<T> combined(const T *before, const T *after) const {
    const auto at = [&](int64_t n) { return q.past(before, after, step - q.lag[n], row) + unit; };
    if (q.shares) {
      // From zero, or of the first two products either might be the one that is not rounded before they are added.
      Vector<T> sum{};
      for (int64_t n = 0; n < q.lags; n++) sum += share(n) * read(at(n));
      return sum;
    }
    Vector<T> sum = read(at(0));
    for (int64_t n = 1; n < q.lags; n++) sum += read(at(n));
    return q.lags == 1 ? sum : sum / T(q.lags);
  }
};

// The same in the backward sweep, in a segment whose first step is `first`.
template <class T> struct Back : At<T> {
  int64_t first;

  int64_t local(int64_t lag = 0) const { return (this->step - first + lag) * this->q.width + this->row; }
  T *da(int64_t block) const { return this->q.da + (local() * this->q.blocks() + block) * this->q.hidden + this->unit; }

  // Ask for what `backward` will read of the tape.
  void fetch() const {
    for (int64_t block = 0; block < (this->q.gates ? 4 : 0); block++) __builtin_prefetch(this->gate(block));
    __builtin_prefetch(this->state(this->q.h));
    if (this->q.c) __builtin_prefetch(this->state(this->q.c));
  }

  // What the sums of the later steps hand back.
  Vector<T> later(const T *buffer) const {
    const auto at = [&](int64_t n) { return buffer + local(this->q.lag[n]) * this->q.hidden + this->unit; };
    Vector<T> sum{};
    if (this->q.shares) {
      for (int64_t n = 0; n < this->q.lags; n++) sum += this->share(n, this->q.lag[n]) * this->read(at(n));
      return sum;
    }
    for (int64_t n = 0; n < this->q.lags; n++) sum += this->read(at(n));
    return this->q.lags == 1 ? sum : sum / T(this->q.lags);
  }
  // Hand out the gradient of h, which is complete now.
  void tell(Vector<T> dh) const {
    if (this->q.dh) this->write(this->q.dh + local() * this->q.hidden + this->unit, dh);
  }
  void keep(Vector<T> v) const { this->write(this->q.kept + local() * this->q.hidden + this->unit, v); }
};

template <class T> struct Simple {
  static constexpr int vectors = 2, input_from = 0, input = 2, past_from = 0, past = 2;
  static constexpr bool by_block = false;

  static INLINE void forward(const At<T> &at, const Vector<T> *a) {
    const Vector<T> h = at.q.kind == TANH ? tanh_of<T>(*a) : (*a < fill(T(0)) ? fill(T(0)) : *a);
    at.write(at.state(at.q.h), h);
  }
  static INLINE void backward(const Back<T> &at, Vector<T> dh) {
    const Vector<T> h = at.read(at.state(at.q.h));
    at.tell(dh);
    at.write(at.da(0), at.q.kind == TANH ? dh * (T(1) - h * h) : (h <= fill(T(0)) ? fill(T(0)) : dh));
  }
};

template <class T> struct Lstm {  // blocks i, f, g, o
  static constexpr int vectors = 4, input_from = 0, input = 4, past_from = 0, past = 4;
  static constexpr bool by_block = true;

  static INLINE void forward(const At<T> &at, const Vector<T> *a) {
    const Vector<T> i = sigmoid_of<T>(a[0]), f = sigmoid_of<T>(a[1]), g = tanh_of<T>(a[2]), o = sigmoid_of<T>(a[3]);
    const Vector<T> c = f * at.combined(at.q.c_before, at.q.c) + i * g;
    at.write(at.state(at.q.c), c);
    at.write(at.state(at.q.h), o * tanh_of<T>(c));
    if (!at.q.gates) return;
    at.note(0, i);
    at.note(1, f);
    at.note(2, g);
    at.note(3, o);
  }
  static INLINE void backward(const Back<T> &at, Vector<T> dh) {
    const Vector<T> i = at.read(at.gate(0)), f = at.read(at.gate(1)), g = at.read(at.gate(2)), o = at.read(at.gate(3));
    const Vector<T> squashed = tanh_of<T>(at.read(at.state(at.q.c)));
    at.tell(dh);
    Vector<T> dc = at.later(at.q.kept) + dh * o * (T(1) - squashed * squashed);
    if (at.q.grad_c) dc += at.read(at.q.grad_c + at.local() * at.q.hidden + at.unit);
    at.write(at.da(0), dc * g * i * (T(1) - i));
    at.write(at.da(1), dc * at.combined(at.q.c_before, at.q.c) * f * (T(1) - f));
    at.write(at.da(2), dc * i * (T(1) - g * g));
    at.write(at.da(3), dh * squashed * o * (T(1) - o));
    at.keep(dc * f);
  }
};

// Blocks n, r, z, q, where torch has r, z, n: those that the input feeds stand side by side, and those that the past
// feeds; q is the part of n behind the reset gate.
template <class T> struct Gru {
  static constexpr int vectors = 4, input_from = 0, input = 3, past_from = 1, past = 3;
  static constexpr bool by_block = true;

  static INLINE void forward(const At<T> &at, const Vector<T> *a) {
    const Vector<T> r = sigmoid_of<T>(a[1]), z = sigmoid_of<T>(a[2]), n = tanh_of<T>(a[0] + r * a[3]);
    at.write(at.state(at.q.h), n + z * (at.combined(at.q.h_before, at.q.h) - n));
    if (!at.q.gates) return;
    at.note(0, n);
    at.note(1, r);
    at.note(2, z);
    at.note(3, a[3]);
  }
  static INLINE void backward(const Back<T> &at, Vector<T> dh) {
    const Vector<T> n = at.read(at.gate(0)), r = at.read(at.gate(1)), z = at.read(at.gate(2)), q = at.read(at.gate(3));
    dh += at.later(at.q.kept);
    at.tell(dh);
    const Vector<T> dn = dh * (T(1) - z) * (T(1) - n * n);
    at.write(at.da(0), dn);
    at.write(at.da(1), dn * q * r * (T(1) - r));
    at.write(at.da(2), dh * (at.combined(at.q.h_before, at.q.h) - n) * z * (T(1) - z));
    at.write(at.da(3), dn * r);
    at.keep(dh * z);
  }
};
