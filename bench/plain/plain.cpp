#include "plain.h"

#include "models.h"

#include <array>

namespace borel::bench {

std::span<const PlainEntry> plain_models() {
  static constexpr std::array entries{
      PlainEntry{"eight_schools-eight_schools_noncentered", make_eight_schools_noncentered},
      PlainEntry{"nes2000-nes", make_nes},
      PlainEntry{"nes1972-nes", make_nes},
      PlainEntry{"garch-garch11", make_garch11},
      PlainEntry{"arma-arma11", make_arma11},
      PlainEntry{"low_dim_gauss_mix-low_dim_gauss_mix", make_low_dim_gauss_mix},
      PlainEntry{"irt_2pl-irt_2pl", make_irt_2pl},
      PlainEntry{"radon_mn-radon_hierarchical_intercept_noncentered", make_radon},
      PlainEntry{"wells_data-wells_dist", make_wells_dist},
      PlainEntry{"rats_data-rats_model", make_rats},
  };
  return entries;
}

std::unique_ptr<PlainModel> make_plain_model(std::string_view name, const nlohmann::json& data) {
  for (const PlainEntry& entry : plain_models()) {
    if (entry.name == name) return entry.make(data);
  }
  return nullptr;
}

}  // namespace borel::bench
