#pragma once

// The percentile distribution as HdrHistogram prints it (.hgrm), which its plotters read. Values
// are in microseconds. https://hdrhistogram.github.io/HdrHistogram/plotFiles.html draws it: choose
// microseconds there.

#include <string>

#include "tools/loadgen/histogram.h"

namespace ringpost::loadgen {

std::string to_hgrm(const Histogram& histogram);

}  // namespace ringpost::loadgen
