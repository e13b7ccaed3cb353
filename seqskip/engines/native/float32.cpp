#include "exports.h"

SEQSKIP_EXPORT(float, f32)
