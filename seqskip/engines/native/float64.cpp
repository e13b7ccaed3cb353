#include "exports.h"

SEQSKIP_EXPORT(double, f64)
