#include "runtime/io/filter_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "runtime/io/quantities.h"

namespace borel::io {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::string formatted(const char* format, double value) {
  if (std::isnan(value)) {
    return "NA";
  }
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string json_number(double value) {
  return std::isfinite(value) ? runtime::number_text(value) : "null";
}

std::vector<double> column(const runtime::Instance& instance, const runtime::Chain& run,
                           std::string_view name) {
  std::vector<double> values;
  const std::int32_t position = runtime::find_statistic(instance.machine(), name);
  for (std::int64_t i = 0; position >= 0 && i < run.draw_count; ++i) {
    values.push_back(run.statistic(i)[position]);
  }
  return values;
}

// A quantity that is shown as mean and standard deviation; `sd` below 0: as it is.
struct Shown {
  std::string name;
  std::int64_t mean, sd;
  int decimals = -1;  // that two digits of the least standard deviation take; -1: unknown
};

// Of a quantity over all steps of a run, so that a column's numbers stand one below the other.
int decimals_of(const Shown& quantity, const runtime::Chain& run) {
  double least = 0, largest = 0;
  for (std::int64_t i = 0; i < run.draw_count; ++i) {
    const double sd = quantity.sd >= 0 ? run.draw(i)[quantity.sd] : 0;
    least = sd > 0 && std::isfinite(sd) && (least == 0 || sd < least) ? sd : least;
    largest = std::max(largest, std::abs(run.draw(i)[quantity.mean]));
  }
  if (least == 0) {
    return -1;
  }
  const int decimals = std::max(0, 1 - static_cast<int>(std::floor(std::log10(least))));
  return decimals > 6 || !(largest < 1e8) ? -1 : decimals;
}

std::string shown_text(const Shown& quantity, const double* draw) {
  const auto number = [&](double value, const char* otherwise) {
    if (quantity.decimals < 0 || !std::isfinite(value)) {
      return formatted(otherwise, value);
    }
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", quantity.decimals, value);
    return std::string(text);
  };
  const std::string mean = number(draw[quantity.mean], "%.5g");
  return quantity.sd < 0 ? mean : mean + " ± " + number(draw[quantity.sd], "%.2g");
}

std::vector<Shown> shown_quantities(const runtime::Instance& instance) {
  const borel_model& model = instance.machine_model();
  const std::vector<Quantity> all = list_quantities(instance, model);
  std::unordered_map<std::string, std::int64_t> positions;
  for (const Quantity& quantity : all) {
    positions.emplace(quantity.name, quantity.position);
  }
  std::vector<Shown> shown;
  for (const Quantity& quantity : all) {
    std::string site = model.sites[quantity.site].name;
    const std::string element = quantity.name.substr(site.size());
    if (site.ends_with("_sd") && positions.contains(site.substr(0, site.size() - 3) + element)) {
      continue;
    }
    const auto sd = positions.find(site.append("_sd").append(element));
    shown.push_back({quantity.name, quantity.position, sd != positions.end() ? sd->second : -1});
  }
  return shown;
}

// A text's width on the terminal: all but the bytes that continue a character.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Columns of right-aligned cells; `rows` begin with the headings.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], columns_of(row[c]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      text += std::string(widths[c] - columns_of(row[c]) + (c == 0 ? 0 : 2), ' ') + row[c];
    }
    text += "\n";
  }
  return text;
}

std::size_t width_of(const std::vector<std::vector<std::string>>& rows, std::size_t columns) {
  std::size_t width = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    std::size_t widest = 0;
    for (const auto& row : rows) {
      widest = std::max(widest, columns_of(row[c]));
    }
    width += widest + (c == 0 ? 0 : 2);
  }
  return width;
}

const runtime::Chain* first_run(const runtime::SampleResult& result) {
  for (const runtime::Chain& run : result.chains) {
    if (run.draw_count > 0) {
      return &run;
    }
  }
  return nullptr;
}

}  // namespace

FilterSteps filter_steps(const runtime::Instance& instance, const runtime::Chain& run) {
  return {column(instance, run, "log_evidence"), column(instance, run, "ess"),
          column(instance, run, "resampled"), column(instance, run, "ancestors")};
}

std::optional<std::int64_t> particle_count(const runtime::Instance& instance,
                                           const runtime::Parameters& parameters) {
  const borel_program& program = instance.program();
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    const borel_input& input = program.inputs[i];
    if (std::string_view(input.name) == "particles" && input.rank == 0 && input.type == BOREL_INT) {
      return *static_cast<const std::int64_t*>(
          instance.data().arrays[static_cast<std::size_t>(i)].data);
    }
  }
  for (std::int32_t i = 0; i < program.size_count; ++i) {
    if (std::string_view(program.sizes[i].name) == "particles") {
      return instance.data().sizes[static_cast<std::size_t>(i)];
    }
  }
  if (parameters.has("particles")) {
    return parameters.get_int("particles");
  }
  return {};
}

std::optional<Evidence> evidence(const runtime::Instance& instance,
                                 const runtime::SampleResult& result) {
  Evidence out;
  for (const runtime::Chain& run : result.chains) {
    const std::vector<double> steps = column(instance, run, "log_evidence");
    if (!steps.empty() && run.draw_count == instance.steps() && !run.error) {
      out.runs.push_back(steps.back());
    }
  }
  if (out.runs.empty()) {
    return {};
  }
  const double largest = *std::max_element(out.runs.begin(), out.runs.end());
  const double n = static_cast<double>(out.runs.size());
  out.relative_variance = out.standard_error = unknown;
  if (!std::isfinite(largest)) {
    out.log_mean = largest;
    return out;
  }
  double mean = 0, squares = 0;
  for (const double run : out.runs) {
    mean += std::exp(run - largest) / n;
  }
  for (const double run : out.runs) {
    const double off = std::exp(run - largest) / mean - 1;
    squares += off * off;
  }
  out.log_mean = largest + std::log(mean);
  if (out.runs.size() > 1) {
    out.relative_variance = squares / (n - 1);
    out.standard_error = std::sqrt(out.relative_variance / n);
  }
  return out;
}

std::string filter_table(const runtime::Instance& instance, const runtime::SampleResult& result,
                         std::optional<std::int64_t> particles, const FilterTableOptions& options) {
  const runtime::Chain* run = first_run(result);
  if (run == nullptr) {
    return {};
  }
  const FilterSteps steps = filter_steps(instance, *run);
  std::vector<std::string> headings{"step"};
  if (!steps.ess.empty()) {
    headings.emplace_back("ESS");
    if (particles) {
      headings.emplace_back("share");
    }
  }
  if (!steps.log_evidence.empty()) {
    headings.emplace_back("log evidence");
  }
  if (!steps.ancestors.empty()) {
    headings.emplace_back("ancestors");
  }
  const std::size_t known = headings.size();
  std::vector<Shown> shown = shown_quantities(instance);
  const std::size_t quantities = shown.size();
  constexpr std::size_t most_shown = 8;  // no terminal has room for more
  shown.resize(std::min(shown.size(), most_shown));
  for (Shown& quantity : shown) {
    headings.push_back(quantity.name);
    quantity.decimals = decimals_of(quantity, *run);
  }
  std::vector<std::vector<std::string>> rows{headings};
  const std::int64_t count = run->draw_count;
  const std::int64_t most = std::max<std::int64_t>(options.most_steps, 2);
  const std::int64_t first = count > most ? most / 2 : count;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i == first) {
      rows.emplace_back(headings.size(), "…");
      i = count - (most - most / 2);
    }
    const std::size_t at = static_cast<std::size_t>(i);
    std::vector<std::string> row{std::to_string(i + 1)};
    if (!steps.ess.empty()) {
      row.push_back(formatted("%.1f", steps.ess[at]));
      if (particles) {
        row.push_back(formatted("%.0f %%", 100 * steps.ess[at] / static_cast<double>(*particles)));
      }
    }
    if (!steps.log_evidence.empty()) {
      row.push_back(formatted("%.4f", steps.log_evidence[at]));
    }
    if (!steps.ancestors.empty()) {
      const bool resampled = steps.resampled.empty() || steps.resampled[at] != 0;
      row.push_back(resampled ? formatted("%.0f", steps.ancestors[at]) : "-");
    }
    const double* draw = run->draw(i);
    for (const Shown& quantity : shown) {
      row.push_back(shown_text(quantity, draw));
    }
    rows.push_back(std::move(row));
  }
  std::size_t columns = rows.front().size();
  while (columns > known && width_of(rows, columns) > static_cast<std::size_t>(options.width)) {
    --columns;
  }
  for (auto& row : rows) {
    row.resize(columns);
  }
  std::string text = aligned(rows);
  if (const std::size_t left = quantities - (columns - known); left > 0) {
    text += "and " + std::to_string(left) + (left == 1 ? " more quantity\n" : " more quantities\n");
  }
  return text;
}

std::string filter_picture(const FilterSteps& steps, std::int64_t particles, std::int64_t width) {
  constexpr std::int64_t height = 5, label = 6, levels = 8;
  constexpr std::array<const char*, levels + 1> blocks = {" ", "▁", "▂", "▃", "▄",
                                                          "▅", "▆", "▇", "█"};
  const std::int64_t count = static_cast<std::int64_t>(steps.ess.size());
  if (count == 0 || particles <= 0 || width < label + 10) {
    return {};
  }
  const std::int64_t room = width - label;
  const std::int64_t wide = std::min(count >= room ? 1 : room / count, std::int64_t{8});
  const std::int64_t columns = std::min(count, room);
  std::vector<double> lowest(static_cast<std::size_t>(columns), 1);
  for (std::int64_t i = 0; i < count; ++i) {
    double& share = lowest[static_cast<std::size_t>(i * columns / count)];
    const double here = steps.ess[static_cast<std::size_t>(i)] / static_cast<double>(particles);
    share = here < share ? here : share;
  }
  std::string text = "effective share of the particles, by step\n";
  for (std::int64_t row = height - 1; row >= 0; --row) {
    text += row == height - 1 ? "100 % " : row == 0 ? "  0 % " : "      ";
    std::string line;
    for (const double share : lowest) {
      // Something is always to be seen of a step that was made.
      const double filled =
          std::max(share * height * levels, 1.0) - static_cast<double>(row) * levels;
      const std::int64_t level =
          std::clamp(static_cast<std::int64_t>(std::lround(filled)), std::int64_t{0}, levels);
      for (std::int64_t w = 0; w < wide; ++w) {
        line += blocks[static_cast<std::size_t>(level)];
      }
    }
    while (line.ends_with(' ')) {
      line.pop_back();
    }
    text += line + "\n";
  }
  const std::string last = std::to_string(count);
  const std::int64_t drawn = columns * wide;
  const std::int64_t gap = drawn - 1 - static_cast<std::int64_t>(last.size());
  return text + std::string(label, ' ') + "1" +
         (gap > 0 ? std::string(static_cast<std::size_t>(gap), ' ') + last : "") + "\n";
}

std::string evidence_text(const Evidence& evidence) {
  if (evidence.runs.size() == 1) {
    return "log evidence " + formatted("%.4f", evidence.log_mean) + "\n";
  }
  return "log evidence " + formatted("%.4f", evidence.log_mean) + " ± " +
         formatted("%.2g", evidence.standard_error) + ": the mean of " +
         std::to_string(evidence.runs.size()) + " runs, of relative variance " +
         formatted("%.3g", evidence.relative_variance) + " each\n";
}

std::string filter_json(const runtime::Instance& instance, const runtime::SampleResult& result,
                        std::optional<std::int64_t> particles) {
  const std::optional<Evidence> all = evidence(instance, result);
  std::string text =
      "{\"particles\": " + (particles ? std::to_string(*particles) : "null") +
      ", \"steps\": " + std::to_string(instance.steps()) +
      ", \"log_evidence\": " + json_number(all ? all->log_mean : unknown) +
      ",\n \"standard_error\": " + json_number(all ? all->standard_error : unknown) +
      ", \"relative_variance\": " + json_number(all ? all->relative_variance : unknown) +
      ",\n \"runs\": [";
  bool is_first = true;
  for (const runtime::Chain& run : result.chains) {
    const std::vector<double> steps = column(instance, run, "log_evidence");
    text += std::string(is_first ? "" : ",\n          ") +
            "{\"log_evidence\": " + json_number(steps.empty() ? unknown : steps.back()) +
            ", \"steps\": " + std::to_string(run.iterations) +
            ", \"seconds\": " + json_number(run.time.warmup_seconds + run.time.sampling_seconds) +
            "}";
    is_first = false;
  }
  return text + "]}\n";
}

}  // namespace borel::io
