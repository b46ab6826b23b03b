// Writes the draws of the toy program to the folder given as argument, and to expected.csv there
// the mean of each quantity as this program has it in memory, for scripts that read the files with
// other programs.
#include <cstdio>
#include <fstream>

#include "runtime/io/csv.h"
#include "runtime/io/quantities.h"
#include "tests/unit/runtime/toy_program.h"

int main(int argc, char** argv) {
  using namespace borel;
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  const std::string folder = argv[1];
  // Readers know CmdStan's algorithm; the walk passes for it.
  static borel_machine machine = *runtime::test::toy_program().machine;
  machine.name = "nuts";
  borel_program program = runtime::test::toy_program();
  program.machine = &machine;
  runtime::InputData data;
  data.storage.emplace_back(64);
  data.arrays.push_back({data.storage[0].data(), {0, 0, 0, 0}});
  data.sizes.push_back(0);
  auto bound = runtime::Instance::bind(program, std::move(data));
  const runtime::Instance& instance = std::get<runtime::Instance>(bound);
  const runtime::Parameters parameters =
      runtime::test::toy_parameters({{"draws", 250}, {"warmup", 100}});

  io::CsvOptions csv;
  csv.directory = folder;
  csv.stem = "toy";
  csv.model = "toy";
  csv.version = "0.1.0";
  csv.start_time = "2026-01-01 00:00:00 UTC";
  csv.data_file = "toy.json";
  csv.initial = "2";
  csv.parameters = &parameters;
  auto opened = io::CsvWriter::open(instance, csv);
  if (const auto* error = std::get_if<runtime::Error>(&opened)) {
    std::fprintf(stderr, "%s\n", error->text.c_str());
    return 1;
  }
  runtime::SampleOptions options;
  options.parameters = &parameters;
  options.sink = std::get<std::unique_ptr<io::CsvWriter>>(opened).get();
  const runtime::SampleResult result = sample(instance, options);
  if (result.error) {
    std::fprintf(stderr, "%s\n", result.error->text.c_str());
    return 1;
  }
  std::ofstream expected(folder + "/expected.csv");
  expected << "name,mean\n";
  for (const io::Quantity& quantity : io::list_quantities(instance, instance.machine_model())) {
    double sum = 0;
    for (const runtime::Chain& chain : result.chains) {
      for (std::int64_t i = 0; i < chain.draw_count; ++i) {
        sum += chain.draw(i)[quantity.position];
      }
    }
    expected << '"' << quantity.name << "\"," << runtime::number_text(sum / 1000) << "\n";
  }
  return expected.good() ? 0 : 1;
}
