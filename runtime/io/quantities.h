// The scalar quantities of a draw: their names and where they are.
#ifndef BOREL_RUNTIME_IO_QUANTITIES_H
#define BOREL_RUNTIME_IO_QUANTITIES_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/instance.h"

namespace borel::io {

struct Quantity {
  std::string name;       // "theta[1,2]", counted from 1
  std::string file_name;  // "theta.1.2"
  std::int32_t site;      // in the model's sites
  std::int64_t position;  // in a draw
};

// All quantities of the model's draws, site after site, each site's elements with the first index
// fastest: the order of CmdStan's files and of summaries. Their number is the draw size.
std::vector<Quantity> list_quantities(const runtime::Instance& instance, const borel_model& model);

}  // namespace borel::io

#endif
