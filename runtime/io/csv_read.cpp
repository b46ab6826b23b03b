#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <string_view>

#include "runtime/io/checksum.h"
#include "runtime/io/csv.h"
#include "runtime/io/quantities.h"

namespace borel::io {

namespace {

// The numbers of a row, one to each of `columns`; false when it is no such row.
bool read_row(std::string_view row, const std::vector<double*>& columns) {
  const char* at = row.data();
  const char* const end = at + row.size();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != ',') {
        return false;
      }
      ++at;
    }
    const auto [stop, error] = std::from_chars(at, end, *columns[i]);
    if (error != std::errc()) {
      return false;
    }
    at = stop;
  }
  return at == end;
}

}  // namespace

std::string read_draws(const runtime::Instance& instance, const std::string& path,
                       const CsvMark& mark, runtime::Chain& chain) {
  const std::string named = "`" + path + "`";
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    return named + " cannot be read";
  }
  const std::streamoff size = file.tellg();
  if (mark.bytes < 0 || size < mark.bytes) {
    return named + " has " + std::to_string(size) + " bytes, fewer than the " +
           std::to_string(mark.bytes) + " that were written";
  }
  std::string text(static_cast<std::size_t>(mark.bytes), '\0');
  file.seekg(0);
  if (!file.read(text.data(), mark.bytes)) {
    return named + " cannot be read";
  }
  Checksum checksum;
  checksum.add(text.data(), text.size());
  if (checksum.value() != mark.checksum) {
    return named + " has changed since it was written";
  }

  const std::vector<StatisticColumn> statistics = statistic_columns(instance.machine());
  const std::vector<Quantity> quantities = list_quantities(instance, instance.machine_model());
  chain.statistic_count = static_cast<std::int64_t>(statistics.size());
  chain.draw_size = static_cast<std::int64_t>(quantities.size());
  const std::int64_t rows = chain.warmup_count + chain.draw_count;
  const auto allocate = [&](std::int64_t row) {
    return std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(rows * row));
  };
  chain.draws = allocate(chain.draw_size);
  chain.statistics = allocate(chain.statistic_count);
  std::vector<double*> columns(statistics.size() + quantities.size());
  std::int64_t read = -1;  // the header comes first
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view row = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (row.starts_with('#')) {
      continue;
    }
    if (read >= 0) {
      for (std::size_t i = 0; i < columns.size() && read < rows; ++i) {
        columns[i] = i < statistics.size() ? chain.statistics.get() + read * chain.statistic_count +
                                                 statistics[i].position
                                           : chain.draws.get() + read * chain.draw_size +
                                                 quantities[i - statistics.size()].position;
      }
      if (read >= rows || !read_row(row, columns)) {
        return named + " does not hold what its checkpoint says";
      }
    }
    ++read;
  }
  if (read != rows) {
    return named + " holds " + std::to_string(read) + " rows where its checkpoint says " +
           std::to_string(rows);
  }
  return {};
}

}  // namespace borel::io
