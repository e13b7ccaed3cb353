// Weights packed as `multiply` reads them: [panel][k][vector], zero where a panel reaches beyond the last unit.
#pragma once
#include "problem.h"

// A panel is `vectors` vectors wide: neighbouring units of one block, or the same units of as many blocks.
struct Panel {
  int64_t vectors;
  bool by_block;

  template <class T> int64_t units() const { return (by_block ? 1 : vectors) * LANES<T>; }
  template <class T> int64_t count(int64_t hidden) const { return (hidden + units<T>() - 1) / units<T>(); }
  template <class T> int64_t size(int64_t hidden, int64_t k) const { return count<T>(hidden) * k * vectors * LANES<T>; }
};

template <class T> struct Panels {
  Panel input, past, bias, back;

  explicit Panels(const Problem<T> &q)
      : input{q.gated() ? q.from_input() : 2, q.gated()}, past{q.gated() ? q.from_past() : 2, q.gated()},
        bias{q.gated() ? q.blocks() : 2, q.gated()}, back{2, false} {}
};

// Pack weight[block * hidden + unit][k] (forward) as panels of columns `unit`, for k = 0 ... K - 1.
// Row (block, unit) of the weight is `row` numbers after the one before, column k `column` numbers.
template <class T>
void pack(const Problem<T> &q, Panel panel, const T *weight, int64_t row, int64_t column, int64_t k_end, T *to) {
  const int64_t each = k_end * panel.vectors * LANES<T>;
  for_parts(q, panel.count<T>(q.hidden), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++)
      for (int64_t j = 0; j < panel.vectors; j++)
        for (int64_t lane = 0; lane < LANES<T>; lane++) {
          const int64_t unit = p * panel.units<T>() + (panel.by_block ? 0 : j * LANES<T>) + lane;
          const T *from = weight + ((panel.by_block ? j * q.hidden : 0) + unit) * row;
          T *target = to + p * each + j * LANES<T> + lane;
          for (int64_t k = 0; k < k_end; k++)
            target[k * panel.vectors * LANES<T>] = unit < q.hidden ? from[k * column] : T(0);
        }
  });
}

template <class T> int64_t forward_size(const Problem<T> &q) {
  const Panels<T> panels(q);
  return panels.input.template size<T>(q.hidden, q.features) + panels.bias.template size<T>(q.hidden, 1) +
         q.matrices() * panels.past.template size<T>(q.hidden, q.hidden);
}

// The bias, the input's weights, then one matrix after the other.
template <class T> void pack_forward(const Problem<T> &q) {
  const Panels<T> panels(q);
  T *to = q.panels;
  if (q.bias)
    pack(q, panels.bias, q.bias, 1, 0, 1, to);
  else
    std::memset(to, 0, sizeof(T) * panels.bias.template size<T>(q.hidden, 1));
  to += panels.bias.template size<T>(q.hidden, 1);
  pack(q, panels.input, q.weight_ih, q.features, 1, q.features, to);
  to += panels.input.template size<T>(q.hidden, q.features);
  for (int64_t n = 0; n < q.matrices(); n++) {
    pack(q, panels.past, q.weight_hh + n * q.hidden, q.matrices() * q.hidden, 1, q.hidden, to);
    to += panels.past.template size<T>(q.hidden, q.hidden);
  }
}

template <class T> int64_t backward_size(const Problem<T> &q) {
  const Panel back = Panels<T>(q).back;
  return q.matrices() * back.template size<T>(q.hidden, q.from_past() * q.hidden) +
         (q.gate_hh ? back.template size<T>(q.hidden, q.lags) : 0);
}

// The transposed matrices, one after the other, and then that of a gate.
template <class T> void pack_backward(const Problem<T> &q) {
  const Panel back = Panels<T>(q).back;
  const int64_t k = q.from_past() * q.hidden;
  for (int64_t n = 0; n < q.matrices(); n++)
    pack(q, back, q.weight_hh + n * q.hidden, 1, q.matrices() * q.hidden, k,
         q.panels + n * back.template size<T>(q.hidden, k));
  if (q.gate_hh)
    pack(q, back, q.gate_hh, 1, q.hidden, q.lags, q.panels + q.matrices() * back.template size<T>(q.hidden, k));
}
