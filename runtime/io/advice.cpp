#include "runtime/io/advice.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace borel::io {

using runtime::Instance;
using runtime::SampleResult;

namespace {

constexpr double rhat_limit = 1.01, energy_limit = 0.3, ess_per_chain = 100;
constexpr std::size_t most_sites = 5;

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string count_text(std::int64_t part, std::int64_t whole) {
  return std::to_string(part) + " of " + std::to_string(whole) + " draws (" +
         format("%.3g", 100 * static_cast<double>(part) / static_cast<double>(whole)) + " %)";
}

SiteNote site_note(const Instance& instance, std::int32_t site, std::string text) {
  const borel_site& s = instance.machine_model().sites[site];
  return {s.name, runtime::SourceSpan(s.span), std::move(text)};
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return sorted_quantile(values.data(), static_cast<std::int64_t>(values.size()), 0.5);
}

Advice divergence_advice(const Instance& instance, const SampleResult& result,
                         const Summary& summary) {
  Advice advice{AdviceKind::divergences, {}, {}};
  advice.text =
      count_text(summary.divergent(), summary.total_draws()) +
      " ended in a divergent trajectory: the posterior curves more sharply somewhere than "
      "the step size can follow, and the draws may miss that part. A non-centred "
      "parameterisation often removes them";
  if (summary.target_accept > 0) {
    advice.text +=
        "; a target_accept above " + format("%g", summary.target_accept) + " may, more slowly";
  }
  advice.text += ".";
  constexpr double clear = 3;  // standard errors: below it only the first is worth naming
  for (const DivergenceShift& shift : divergence_shifts(instance, result, summary)) {
    const bool first = advice.sites.empty();
    if (!first && (std::abs(shift.z) < clear || advice.sites.size() >= 3)) {
      break;
    }
    advice.sites.push_back(
        site_note(instance, shift.site,
                  "`" + shift.quantity + "` is " + (shift.z < 0 ? "smaller" : "larger") +
                      " at divergent draws: median " + format("%.3g", shift.divergent_median) +
                      " against " + format("%.3g", shift.median)));
  }
  return advice;
}

Advice depth_advice(const Summary& summary) {
  return {AdviceKind::tree_depth,
          count_text(summary.saturated(), summary.total_draws()) +
              " reached the largest tree depth, max_depth = " + std::to_string(summary.max_depth) +
              ": they are valid but cost more than they bring. Rescaling the model helps most, a "
              "larger max_depth sometimes.",
          {}};
}

void add_energy_advice(const Summary& summary, std::vector<Advice>& all) {
  std::string chains;
  for (std::size_t c = 0; c < summary.chains.size(); ++c) {
    const double value = summary.chains[c].energy_bfmi;
    if (value < energy_limit) {
      chains +=
          (chains.empty() ? "" : ", ") + std::to_string(c + 1) + " (" + format("%.2f", value) + ")";
    }
  }
  if (!chains.empty()) {
    all.push_back({AdviceKind::energy,
                   "E-BFMI is below 0.3 in chain " + chains +
                       ": the chain explores the posterior's tails slowly, and tail quantiles may "
                       "be wrong. Reparameterising scale parameters often helps.",
                   {}});
  }
}

// Rows that a limit finds wanting, one note a site with its worst row.
template <class Badness, class Describe>
std::vector<SiteNote> worst_sites(const Instance& instance, const Summary& summary, Badness badness,
                                  Describe describe, std::int64_t& count) {
  std::vector<const SummaryRow*> rows;
  for (const SummaryRow& row : summary.rows) {
    if (badness(row) > 0) {
      rows.push_back(&row);
    }
  }
  count = static_cast<std::int64_t>(rows.size());
  std::stable_sort(rows.begin(), rows.end(), [&](const SummaryRow* a, const SummaryRow* b) {
    return badness(*a) > badness(*b);
  });
  std::vector<SiteNote> notes;
  std::vector<std::int32_t> seen;
  for (const SummaryRow* row : rows) {
    if (row->site < 0 || notes.size() >= most_sites ||
        std::find(seen.begin(), seen.end(), row->site) != seen.end()) {
      continue;
    }
    seen.push_back(row->site);
    notes.push_back(site_note(instance, row->site, describe(*row)));
  }
  return notes;
}

void add_rhat_advice(const Instance& instance, const Summary& summary, std::vector<Advice>& all) {
  std::int64_t count = 0;
  std::vector<SiteNote> notes = worst_sites(
      instance, summary, [](const SummaryRow& row) { return row.statistics.rhat - rhat_limit; },
      [](const SummaryRow& row) {
        return "R-hat " + format("%.3f", row.statistics.rhat) + " at `" + row.name + "`";
      },
      count);
  if (count > 0) {
    all.push_back({AdviceKind::rhat,
                   "R-hat is above 1.01 for " + std::to_string(count) +
                       (count == 1 ? " quantity" : " quantities") +
                       ": the chains do not agree yet, so the summary should not be trusted. More "
                       "warm-up and draws, or another parameterisation.",
                   std::move(notes)});
  }
}

void add_ess_advice(const Instance& instance, const Summary& summary, std::vector<Advice>& all) {
  const double limit = ess_per_chain * static_cast<double>(summary.used_chains.size());
  const auto smaller = [](const SummaryRow& row) {
    return std::fmin(row.statistics.ess_bulk, row.statistics.ess_tail);
  };
  std::int64_t count = 0;
  std::vector<SiteNote> notes = worst_sites(
      instance, summary, [&](const SummaryRow& row) { return limit - smaller(row); },
      [&](const SummaryRow& row) {
        return "ESS " + format("%.0f", smaller(row)) + " at `" + row.name + "`";
      },
      count);
  if (count > 0) {
    all.push_back({AdviceKind::ess,
                   "the effective sample size is below " + format("%.0f", limit) +
                       " (100 a chain) for " + std::to_string(count) +
                       (count == 1 ? " quantity" : " quantities") +
                       ": means and quantiles are rough. More draws.",
                   std::move(notes)});
  }
}

void add_rejection_advice(const Instance& instance, const SampleResult& result,
                          const Summary& summary, std::vector<Advice>& all) {
  std::int64_t count = 0;
  for (const ChainSummary& chain : summary.chains) {
    count += chain.rejections;
  }
  if (count == 0) {
    return;
  }
  Advice advice{AdviceKind::rejections,
                "the log density was -infinity at " + std::to_string(count) +
                    " points that were proposed after warm-up, because a constraint failed or the "
                    "program rejected them; a few do no harm.",
                {}};
  for (const runtime::Chain& chain : result.chains) {
    if (chain.rejections > 0 && chain.first_rejection.kind != BOREL_FAULT_NONE) {
      const runtime::Error fault =
          runtime::describe_fault(instance.program(), chain.first_rejection);
      advice.sites.push_back({fault.site, fault.span, fault.text});
      break;
    }
  }
  all.push_back(std::move(advice));
}

}  // namespace

std::vector<DivergenceShift> divergence_shifts(const Instance& instance, const SampleResult& result,
                                               const Summary& summary) {
  std::vector<DivergenceShift> shifts;
  const borel_model& model = instance.machine_model();
  const std::int32_t statistic = runtime::find_statistic(instance.machine(), "divergent");
  if (statistic < 0) {
    return shifts;
  }
  const std::vector<double> divergent = collect_statistic(result, summary, statistic);
  const double all = static_cast<double>(divergent.size());
  const double marked =
      all - static_cast<double>(std::count(divergent.begin(), divergent.end(), 0));
  if (marked == 0 || marked == all) {
    return shifts;
  }
  const double error = std::sqrt((all + 1) * (all - marked) / (12 * marked));
  for (const Quantity& quantity : list_quantities(instance, model)) {
    if (model.sites[quantity.site].kind != BOREL_LATENT) {
      break;
    }
    const std::vector<double> values = collect_draws(result, summary, quantity.position);
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    double rank_sum = 0;
    std::vector<double> at_divergent;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (divergent[i] != 0) {
        const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), values[i]);
        rank_sum += 0.5 * static_cast<double>((low - sorted.begin()) + (high - sorted.begin()) + 1);
        at_divergent.push_back(values[i]);
      }
    }
    const double z = (rank_sum / marked - (all + 1) / 2) / error;
    const bool same_site = !shifts.empty() && shifts.back().site == quantity.site;
    if (same_site && std::abs(z) <= std::abs(shifts.back().z)) {
      continue;
    }
    if (!same_site) {
      shifts.emplace_back();
    }
    shifts.back() = {quantity.site, quantity.name, z, median_of(std::move(at_divergent)),
                     median_of(std::move(sorted))};
  }
  std::stable_sort(shifts.begin(), shifts.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.z) > std::abs(b.z); });
  return shifts;
}

std::vector<Advice> advise(const Instance& instance, const SampleResult& result,
                           const Summary& summary) {
  std::vector<Advice> all;
  if (summary.divergent() > 0) {
    all.push_back(divergence_advice(instance, result, summary));
  }
  if (summary.saturated() > 0) {
    all.push_back(depth_advice(summary));
  }
  add_energy_advice(summary, all);
  add_rhat_advice(instance, summary, all);
  add_ess_advice(instance, summary, all);
  add_rejection_advice(instance, result, summary, all);
  return all;
}

std::string advice_text(const std::vector<Advice>& advice) {
  std::string text;
  for (const Advice& a : advice) {
    text += (a.kind == AdviceKind::rejections ? "note: " : "warning: ") + a.text + "\n";
    for (const SiteNote& note : a.sites) {
      text += "  ";
      if (note.span.known()) {
        text += note.span.file + ":" + std::to_string(note.span.line) + ":" +
                std::to_string(note.span.column) + ": ";
      }
      text += (note.site.empty() ? "" : "site `" + note.site + "`: ") + note.text + "\n";
    }
  }
  return text;
}

}  // namespace borel::io
