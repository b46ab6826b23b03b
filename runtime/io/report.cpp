#include "runtime/io/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace borel::io {

namespace {

constexpr std::array<const char*, 9> headings = {"mean", "MCSE",     "sd",       "5%",   "50%",
                                                 "95%",  "ESS bulk", "ESS tail", "R-hat"};
using Cells = std::array<std::string, headings.size() + 1>;  // the name first

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) {
    return "NA";
  }
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

// Decimals that show two digits of the MCSE; -1 where an exponent reads better.
int decimals_of(const QuantityStatistics& s) {
  const double unit = s.mcse > 0 ? s.mcse : s.sd / 10;
  const double largest =
      std::max({std::abs(s.mean), std::abs(s.q5), std::abs(s.q95), s.sd > 0 ? s.sd : 0});
  if (!(unit > 0) || !std::isfinite(unit)) {
    return largest < 1e6 ? 3 : -1;
  }
  const int decimals = std::max(0, 1 - static_cast<int>(std::floor(std::log10(unit))));
  return decimals > 6 || largest >= 1e8 ? -1 : decimals;
}

Cells cells_of(const SummaryRow& row) {
  const QuantityStatistics& s = row.statistics;
  const int decimals = decimals_of(s);
  const auto number = [&](double value) {
    if (decimals >= 0 || !std::isfinite(value)) {
      return fixed(value, std::max(decimals, 0));
    }
    char text[40];
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::string(text);
  };
  return {
      row.name,      number(s.mean), number(s.mcse),       number(s.sd),         number(s.q5),
      number(s.q50), number(s.q95),  fixed(s.ess_bulk, 0), fixed(s.ess_tail, 0), fixed(s.rhat, 3)};
}

// The rows to show: all, or the first ones and then the worst of the rest, in order.
std::vector<const SummaryRow*> choose_rows(const Summary& summary, std::int64_t most) {
  std::vector<const SummaryRow*> rows;
  for (const SummaryRow& row : summary.rows) {
    rows.push_back(&row);
  }
  const std::size_t limit = static_cast<std::size_t>(std::max<std::int64_t>(most, 2));
  if (rows.size() <= limit) {
    return rows;
  }
  const std::size_t worst = std::min<std::size_t>(10, limit / 2);
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(limit - worst);
  const auto end = begin + static_cast<std::ptrdiff_t>(worst);
  const auto badness = [](const SummaryRow* row) {
    const double rhat = row->statistics.rhat;
    return std::isnan(rhat) ? 0 : rhat;
  };
  std::partial_sort(begin, end, rows.end(), [&](const SummaryRow* a, const SummaryRow* b) {
    return badness(a) != badness(b) ? badness(a) > badness(b) : a < b;
  });
  rows.erase(end, rows.end());
  std::sort(begin, end);
  return rows;
}

std::string pad(const std::string& text, std::size_t width, bool left) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return left ? text + space : space + text;
}

std::string seconds(double value) {
  char text[40];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f s" : "%.1f s", value);
  return text;
}

// ---- JSON ----

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      result += code;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

class JsonObject {
 public:
  JsonObject& add(const char* name, const std::string& json) {
    text_ += (text_.empty() ? "{\"" : ", \"") + std::string(name) + "\": " + json;
    return *this;
  }
  JsonObject& add(const char* name, double value) {
    return add(name, std::isfinite(value) ? runtime::number_text(value) : "null");
  }
  JsonObject& add(const char* name, std::int64_t value) { return add(name, std::to_string(value)); }
  std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

template <class Range, class Text>
std::string json_array(const Range& range, Text text) {
  std::string result = "[";
  for (const auto& element : range) {
    result += (result.size() > 1 ? ",\n    " : "\n    ") + text(element);
  }
  return result + "]";
}

const char* kind_name(AdviceKind kind) {
  switch (kind) {
    case AdviceKind::divergences:
      return "divergences";
    case AdviceKind::tree_depth:
      return "tree_depth";
    case AdviceKind::energy:
      return "energy";
    case AdviceKind::rhat:
      return "rhat";
    case AdviceKind::ess:
      return "ess";
    case AdviceKind::rejections:
      break;
  }
  return "rejections";
}

std::string row_json(const SummaryRow& row) {
  const QuantityStatistics& s = row.statistics;
  return JsonObject()
      .add("name", quoted(row.name))
      .add("mean", s.mean)
      .add("mcse", s.mcse)
      .add("sd", s.sd)
      .add("q5", s.q5)
      .add("q50", s.q50)
      .add("q95", s.q95)
      .add("ess_bulk", s.ess_bulk)
      .add("ess_tail", s.ess_tail)
      .add("rhat", s.rhat)
      .text();
}

std::string chain_json(const ChainSummary& chain) {
  return JsonObject()
      .add("draws", chain.draws)
      .add("divergent", chain.divergent)
      .add("saturated_tree_depth", chain.saturated)
      .add("e_bfmi", chain.energy_bfmi)
      .add("step_size", chain.step_size)
      .add("accept_stat", chain.accept_stat)
      .add("leapfrogs", chain.leapfrogs)
      .add("rejections", chain.rejections)
      .add("warmup_rejections", chain.warmup_rejections)
      .add("warmup_seconds", chain.time.warmup_seconds)
      .add("sampling_seconds", chain.time.sampling_seconds)
      .text();
}

std::string advice_json(const Advice& advice) {
  const auto site = [](const SiteNote& note) {
    return JsonObject()
        .add("site", quoted(note.site))
        .add("file", quoted(note.span.file))
        .add("line", std::int64_t{note.span.line})
        .add("column", std::int64_t{note.span.column})
        .add("text", quoted(note.text))
        .text();
  };
  return JsonObject()
      .add("kind", quoted(kind_name(advice.kind)))
      .add("text", quoted(advice.text))
      .add("sites", json_array(advice.sites, site))
      .text();
}

}  // namespace

std::string summary_table(const Summary& summary, const TableOptions& options) {
  std::vector<Cells> table(1);
  for (std::size_t h = 0; h < headings.size(); ++h) {
    table[0][h + 1] = headings[h];
  }
  const std::vector<const SummaryRow*> rows = choose_rows(summary, options.most_rows);
  for (const SummaryRow* row : rows) {
    table.push_back(cells_of(*row));
  }
  std::array<std::size_t, headings.size() + 1> widths{};
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  std::size_t numbers = 0;
  for (std::size_t i = 1; i < widths.size(); ++i) {
    numbers += widths[i] + 2;
  }
  constexpr std::size_t shortest_name = 8;
  const std::size_t available = static_cast<std::size_t>(std::max<std::int64_t>(options.width, 0));
  const std::size_t room = available > numbers ? available - numbers : 0;
  widths[0] = std::min(widths[0], std::max(room, shortest_name));
  std::string text;
  for (Cells& cells : table) {
    if (cells[0].size() > widths[0]) {
      cells[0] = cells[0].substr(0, widths[0] - 2) + "..";
    }
    text += pad(cells[0], widths[0], true);
    for (std::size_t i = 1; i < cells.size(); ++i) {
      text += "  " + pad(cells[i], widths[i], false);
    }
    text += "\n";
  }
  if (rows.size() < summary.rows.size()) {
    text += "(" + std::to_string(rows.size()) + " of " + std::to_string(summary.rows.size()) +
            " quantities: the first, and those of the rest with the largest R-hat)\n";
  }
  return text;
}

std::string run_text(const Summary& summary, std::int64_t warmup) {
  double warmup_seconds = 0, sampling_seconds = 0;
  std::string energies;
  for (const ChainSummary& chain : summary.chains) {
    warmup_seconds = std::max(warmup_seconds, chain.time.warmup_seconds);
    sampling_seconds = std::max(sampling_seconds, chain.time.sampling_seconds);
    if (!std::isnan(chain.energy_bfmi)) {
      energies += (energies.empty() ? "" : ", ") + fixed(chain.energy_bfmi, 2);
    }
  }
  const std::size_t chains = summary.used_chains.size();
  std::string text = std::to_string(chains) + (chains == 1 ? " chain of " : " chains of ") +
                     std::to_string(summary.used_draws) + " draws after " + std::to_string(warmup) +
                     " of warm-up; slowest chain: warm-up " + seconds(warmup_seconds) +
                     ", sampling " + seconds(sampling_seconds) + "\n";
  if (chains < summary.chains.size()) {
    text += "(the run ended early: of its " + std::to_string(summary.chains.size()) +
            " chains these have the most draws in common)\n";
  }
  text += "divergences: " + std::to_string(summary.divergent());
  if (summary.max_depth > 0) {
    text += "; draws at max_depth: " + std::to_string(summary.saturated());
  }
  if (!energies.empty()) {
    text += "; E-BFMI: " + energies;
  }
  return text + "\n";
}

std::string summary_json(const Summary& summary, const std::vector<Advice>& advice) {
  return JsonObject()
             .add("draws_per_chain", summary.used_draws)
             .add("chains_used", static_cast<std::int64_t>(summary.used_chains.size()))
             .add("divergent", summary.divergent())
             .add("saturated_tree_depth", summary.saturated())
             .add("quantities", json_array(summary.rows, row_json))
             .add("chains", json_array(summary.chains, chain_json))
             .add("warnings", json_array(advice, advice_json))
             .text() +
         "\n";
}

}  // namespace borel::io
