#include "runtime/io/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/core/threads.h"

namespace borel::io {

using runtime::Chain;
using runtime::SampleResult;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t columns_at_once = 8;  // of a draw: one line of the cache

ChainSummary summarise_chain(const borel_machine& machine, const Chain& chain,
                             std::int64_t max_depth) {
  ChainSummary s;
  s.draws = chain.draw_count;
  s.step_size = chain.adaptation.step_size;
  s.rejections = chain.rejections;
  s.warmup_rejections = chain.warmup_rejections;
  s.time = chain.time;
  const auto column = [&](const char* name) {
    std::vector<double> values;
    const std::int32_t position = runtime::find_statistic(machine, name);
    for (std::int64_t i = 0; position >= 0 && i < chain.draw_count; ++i) {
      values.push_back(chain.statistic(i)[position]);
    }
    return values;
  };
  const auto sum = [](const std::vector<double>& values) {
    return values.empty() ? nan_value : std::accumulate(values.begin(), values.end(), 0.0);
  };
  for (const double divergent : column("divergent")) {
    s.divergent += divergent != 0 ? 1 : 0;
  }
  for (const double depth : column("treedepth")) {
    s.saturated += max_depth > 0 && depth >= static_cast<double>(max_depth) ? 1 : 0;
  }
  const std::vector<double> energy = column("energy");
  s.energy_bfmi = energy_bfmi(energy.data(), static_cast<std::int64_t>(energy.size()));
  s.accept_stat = sum(column("accept_stat")) / static_cast<double>(chain.draw_count);
  s.leapfrogs = sum(column("n_leapfrog"));
  return s;
}

// Keeps the most draws that make chains of one length.
void choose_chains(const SampleResult& result, Summary& summary) {
  std::vector<std::int64_t> lengths;
  for (const Chain& chain : result.chains) {
    lengths.push_back(chain.draw_count);
  }
  std::sort(lengths.rbegin(), lengths.rend());
  std::int64_t most = 0;
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    const std::int64_t kept = static_cast<std::int64_t>(k + 1) * lengths[k];
    if (kept > most) {
      most = kept;
      summary.used_draws = lengths[k];
    }
  }
  for (std::size_t c = 0; c < result.chains.size(); ++c) {
    if (summary.used_draws > 0 && result.chains[c].draw_count >= summary.used_draws) {
      summary.used_chains.push_back(static_cast<std::int64_t>(c));
    }
  }
}

const Chain& chain_of(const SampleResult& result, std::int64_t c) {
  return result.chains[static_cast<std::size_t>(c)];
}

}  // namespace

std::int64_t Summary::divergent() const {
  std::int64_t sum = 0;
  for (const ChainSummary& chain : chains) {
    sum += chain.divergent;
  }
  return sum;
}

std::int64_t Summary::saturated() const {
  std::int64_t sum = 0;
  for (const ChainSummary& chain : chains) {
    sum += chain.saturated;
  }
  return sum;
}

std::int64_t Summary::total_draws() const {
  std::int64_t sum = 0;
  for (const ChainSummary& chain : chains) {
    sum += chain.draws;
  }
  return sum;
}

std::vector<double> collect_draws(const SampleResult& result, const Summary& summary,
                                  std::int64_t position) {
  std::vector<double> values;
  values.reserve(summary.used_chains.size() * static_cast<std::size_t>(summary.used_draws));
  for (const std::int64_t c : summary.used_chains) {
    for (std::int64_t i = 0; i < summary.used_draws; ++i) {
      values.push_back(chain_of(result, c).draw(i)[position]);
    }
  }
  return values;
}

std::vector<double> collect_statistic(const SampleResult& result, const Summary& summary,
                                      std::int32_t statistic) {
  std::vector<double> values;
  for (const std::int64_t c : summary.used_chains) {
    for (std::int64_t i = 0; i < summary.used_draws; ++i) {
      values.push_back(chain_of(result, c).statistic(i)[statistic]);
    }
  }
  return values;
}

Summary summarise(const runtime::Instance& instance, const SampleResult& result,
                  const runtime::Parameters& parameters, int threads) {
  const borel_machine& machine = instance.machine();
  Summary summary;
  summary.max_depth = parameters.get_int("max_depth");
  summary.target_accept = parameters.get("target_accept");
  for (const Chain& chain : result.chains) {
    summary.chains.push_back(summarise_chain(machine, chain, summary.max_depth));
  }
  choose_chains(result, summary);
  const std::int64_t chains = static_cast<std::int64_t>(summary.used_chains.size());
  if (chains == 0) {
    return summary;
  }
  const std::int64_t length = summary.used_draws, count = chains * length;
  if (const std::int32_t lp = runtime::find_statistic(machine, "lp"); lp >= 0) {
    StatisticsEngine engine(chains, length);
    summary.rows.push_back(
        {"lp__", -1, engine.compute(collect_statistic(result, summary, lp).data())});
  }
  const std::size_t first = summary.rows.size();
  const std::vector<Quantity> quantities = list_quantities(instance, instance.machine_model());
  std::vector<std::size_t> row_of(quantities.size());  // by position in a draw
  for (std::size_t q = 0; q < quantities.size(); ++q) {
    row_of[static_cast<std::size_t>(quantities[q].position)] = first + q;
    summary.rows.push_back({quantities[q].name, quantities[q].site, {}});
  }

  // Blocks of columns, a run of blocks to a thread so that one engine serves them all.
  const std::int64_t columns = static_cast<std::int64_t>(quantities.size());
  const std::int64_t blocks = (columns + columns_at_once - 1) / columns_at_once;
  const auto compute = [&](std::int64_t first_block, std::int64_t end_block) {
    StatisticsEngine engine(chains, length);
    std::vector<double> values(static_cast<std::size_t>(columns_at_once * count));
    for (std::int64_t block = first_block; block < end_block; ++block) {
      const std::int64_t begin = block * columns_at_once;
      const std::int64_t width = std::min(columns_at_once, columns - begin);
      std::int64_t row = 0;
      for (const std::int64_t c : summary.used_chains) {
        for (std::int64_t i = 0; i < length; ++i, ++row) {
          const double* draw = chain_of(result, c).draw(i) + begin;
          for (std::int64_t j = 0; j < width; ++j) {
            values[static_cast<std::size_t>(j * count + row)] = draw[j];
          }
        }
      }
      for (std::int64_t j = 0; j < width; ++j) {
        summary.rows[row_of[static_cast<std::size_t>(begin + j)]].statistics =
            engine.compute(values.data() + j * count);
      }
    }
  };
  const int workers = runtime::thread_count(threads, blocks);
  if (workers <= 1) {
    compute(0, blocks);
  } else {
    runtime::ThreadPool pool(workers);
    pool.for_each(workers, [&](std::int64_t w) {
      compute(w * blocks / workers, (w + 1) * blocks / workers);
    });
  }
  return summary;
}

}  // namespace borel::io
