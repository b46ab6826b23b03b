// What the handles of borel.h are, and the parts of one file that others call.
#ifndef BOREL_RUNTIME_HOST_HANDLES_H
#define BOREL_RUNTIME_HOST_HANDLES_H

#include "runtime/host/error.h"
#include "runtime/host/hash.h"
#include "runtime/host/memory.h"

struct borel_library {
  borel_allocator allocator;
  borel_logger logger;
  const borel_program* program;
  void* file;            // of dlopen; null: the program is the host's
  void (*close)(void*);  // of `file`
};

namespace borel::host {

// One input, or one size symbol that is no input, as the host gave it.
struct Value {
  enum Source : std::int32_t { none, borrowed, copied };
  Source source;
  std::int32_t rank;
  std::int64_t dims[BOREL_MAX_RANK];
  std::int64_t count;  // product of dims
  const void* memory;  // the caller's, or in `storage`: int64_t, or double where the input is real
  Shared* storage;     // of copied values
  Shared* spare;       // the storage before it, written next unless an instance still has a share
};

// Of values that data copied; null for those that are the caller's.
struct Share {
  Shared* storage;
};

// What is known of a size symbol while data are bound.
struct BoundSize {
  enum By : std::int32_t { unknown, value, shape };
  By by;
  std::int32_t input;  // the one whose shape it is
  std::int64_t size;
};

}  // namespace borel::host

struct borel_data {
  const borel_library* library;
  borel::host::Array<borel::host::Value> values;  // inputs, then size symbols
  borel::host::Array<borel::host::Value> staged;  // the next values, while JSON is read
  borel::host::Array<char> unused;  // names in JSON that no input has, each with a zero behind it
  borel::host::Array<char> name;    // scratch of the reader: the name of a member,
  borel::host::Array<std::int64_t> ints;  // and its numbers, in the text's order
  borel::host::Array<double> reals;
  borel::host::Array<borel_function> functions;  // of the host; those without `value` are not given

  explicit borel_data(const borel_library* of)
      : library(of),
        values(of->allocator),
        staged(of->allocator),
        unused(of->allocator),
        name(of->allocator),
        ints(of->allocator),
        reals(of->allocator),
        functions(of->allocator) {}
};

struct borel_instance {
  const borel_library* library;
  const borel_program* program;
  bool is_bound = false;
  std::uint64_t generation = 0;                  // counts bindings
  borel::host::Block memory;                     // the program's
  borel::host::Array<borel_function> functions;  // of the host; memory points to them
  borel::host::Array<borel_array> arrays;
  borel::host::Array<std::int64_t> sizes;
  borel::host::Array<borel::host::BoundSize> bound_sizes;
  borel::host::Array<borel::host::Share> shares;  // of inputs that `data` copied
  borel::host::Block shifted;                     // indices that count from another number than 0
  borel::host::Block workspace;                   // of bind

  explicit borel_instance(const borel_library* of)
      : library(of),
        program(of->program),
        memory(of->allocator),
        functions(of->allocator),
        arrays(of->allocator),
        sizes(of->allocator),
        bound_sizes(of->allocator),
        shares(of->allocator),
        shifted(of->allocator),
        workspace(of->allocator) {}
};

struct borel_worker {
  const borel_instance* instance;
  borel_workspace raw{};
  borel::host::Block space;

  explicit borel_worker(const borel_instance* of) : instance(of), space(of->library->allocator) {}
};

struct borel_chain {
  borel_worker worker;
  bool is_started = false;
  std::uint64_t generation = 0;  // of the instance, at its start
  borel_key key{};               // step: that of the last iteration, which is how many there were
  std::int64_t warmup = 0;
  std::size_t state_size = 0;
  borel::host::Block state;
  // The state when saved_at iterations were done. A large one is copied while steps ask for more
  // workspace, and then now and again: what is between is repeated.
  borel::host::Block saved;
  std::int64_t saved_at = 0;
  std::int64_t calm = 0;                  // steps since one asked for more
  borel::host::Array<double> parameters;  // in the machine's order
  borel::host::Array<double> statistics;
  bool has_hash = false;
  borel::host::Hash data_hash;  // of what the instance is bound to; computed when first wanted

  explicit borel_chain(const borel_instance* of)
      : worker(of),
        state(of->library->allocator),
        saved(of->library->allocator),
        parameters(of->library->allocator),
        statistics(of->library->allocator) {}
};

namespace borel::host {

inline Reporter reporter(const borel_library* library, borel_error** error) {
  return Reporter{library->allocator, error};
}
inline Reporter reporter(const borel_instance* instance, borel_error** error) {
  return reporter(instance->library, error);
}

// ---- workspaces

bool prepare_workspace(borel_workspace& raw, Block& space);
// After BOREL_NEED_SPACE: the memory that the call wants. BOREL_SUCCESS to try again.
borel_code grow_workspace(borel_workspace& raw, Block& space, const Reporter& report);
void clear_faults(borel_workspace& raw);

// Runs call(borel_workspace*) until it has space enough; restore() puts back what it was given.
// BOREL_SUCCESS when it ran, with its status in `status`.
template <class Call, class Restore>
borel_code run_call(borel_workspace& raw, Block& space, const Reporter& report,
                    borel_status& status, Call&& call, Restore&& restore) {
  const std::int64_t rejections = raw.rejections;
  const borel_fault fault = raw.fault;
  while ((status = call(&raw)) == BOREL_NEED_SPACE) {
    if (const borel_code code = grow_workspace(raw, space, report)) {
      return code;
    }
    raw.rejections = rejections;  // the repetition counts them again
    raw.fault = fault;
    restore();
  }
  return BOREL_SUCCESS;
}

// A call that changes nothing but its outputs; a fault is BOREL_RUN_FAILED.
template <class Call>
borel_code run_call(borel_worker& worker, const Reporter& report, Call&& call) {
  borel_status status = BOREL_OK;
  if (const borel_code code = run_call(worker.raw, worker.space, report, status, call, [] {})) {
    return code;
  }
  return status == BOREL_OK
             ? BOREL_SUCCESS
             : report_fault(report, *worker.instance->program, worker.raw.fault, BOREL_RUN_FAILED);
}

// Why the log density at u is not finite, term by term, as a failure. `value`: what it is.
borel_code report_not_finite(borel_worker& worker, const borel_model& model, const double* u,
                             double value, std::string_view before, const Reporter& report);

// ---- data

void clear_value(Value& value);
// Writable storage for `count` elements of 8 bytes that becomes the value's by commit; null: no
// memory. Nothing of the value but its spare is touched.
void* stage_value(const borel_allocator& allocator, Value& value, std::int64_t count);
// Makes the storage of stage_value the value, with the given shape.
void commit_value(Value& value, std::int32_t rank, const std::int64_t* dims, std::int64_t count);

// Where the value of size symbol s stands, behind those of the inputs.
inline std::size_t size_slot(const borel_program& program, std::int32_t s) {
  return static_cast<std::size_t>(program.input_count) + static_cast<std::size_t>(s);
}
std::int32_t find_input(const borel_program& program, std::string_view name);  // -1: none
std::int32_t find_size(const borel_program& program, std::string_view name);   // -1: none

// Fills the arrays, sizes and shares of an instance from data; every problem is the first of its
// kind that is met.
borel_code bind_inputs(borel_data& data, borel_instance& instance, const Reporter& report);
void drop_inputs(borel_instance& instance);

// ---- chains

// The machine's statistic of that name, with or without two underscores behind it; -1: none.
std::int32_t find_statistic(const borel_machine& machine, std::string_view name);

// What a run wants of a machine's parameters: those that always exist.
struct Counts {
  std::int64_t warmup, draws, chains;
};
// How many steps the machine of an instance that is bound makes; -1: any number, or no machine.
std::int64_t steps_of(const borel_instance& instance);
// Defaults, then settings. `values` get the machine's own, in its order.
borel_code apply_settings(const borel_instance& instance, std::int32_t count,
                          const borel_setting* settings, Array<double>& values, Counts& counts,
                          const Reporter& report);
// A setting, after which counts and values agree.
borel_code apply_setting(const borel_instance& instance, const borel_setting& setting,
                         Array<double>& values, Counts& counts, const Reporter& report);

// The machine of an instance that is bound, or null with the failure in `code`.
const borel_machine* machine_of(const borel_instance* instance, const Reporter& report,
                                borel_code& code);
// A chain without a state; null: no memory.
borel_chain* make_chain(const borel_instance* instance);
// The chain's first state with the settings that its parameters hold. `prefix` leads messages.
borel_code start_chain(borel_chain& chain, std::uint64_t seed, std::uint64_t number,
                       const double* initial, double radius, const Reporter& report);
borel_code step_chain(borel_chain& chain, const Reporter& report);
borel_code read_statistics(borel_chain& chain, double* statistics, const Reporter& report);
borel_code read_draw(borel_chain& chain, double* draw, const Reporter& report);
// Whether the chain has a state of what its instance is bound to.
borel_code check_chain(const borel_chain* chain, borel_error** error);
// Room for a state of this instance.
borel_code prepare_chain(borel_chain& chain, const Reporter& report);

}  // namespace borel::host

#endif
