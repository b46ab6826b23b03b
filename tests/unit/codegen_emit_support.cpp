#include "tests/unit/codegen_emit_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "compiler/codegen/emit_module.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "runtime/core/philox.h"

namespace borel::codegen {

using testing::as_array;

namespace {
union Cell {
  std::int64_t integer;
  double real;
  void* address;
};
static_assert(sizeof(Cell) == 8);

Cell to_cell(const Datum& d) {
  Cell cell{};
  if (auto* real = std::get_if<testing::Real>(&d)) cell.real = real->value;
  if (auto* integer = std::get_if<std::int64_t>(&d)) cell.integer = *integer;
  if (auto* truth = std::get_if<bool>(&d)) cell.integer = *truth;
  return cell;
}

Datum from_cell(Cell cell, mlir::Type type) {
  if (type.isF64()) return cell.real;
  if (type.isInteger(1)) return cell.integer != 0;
  return cell.integer;
}

std::vector<Cell> to_cells(const Datum& d) {
  std::vector<Cell> cells;
  for (const Datum& element : as_array(d).elements) cells.push_back(to_cell(element));
  return cells;
}
}  // namespace

struct CompiledIr::State {
  State() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::math::MathDialect, mlir::scf::SCFDialect>();
  }
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> source;
  TargetSpec target;
  std::unique_ptr<llvm::LLVMContext> llvm_context = std::make_unique<llvm::LLVMContext>();
  std::optional<Jit> jit;
  using Function = std::int32_t (*)(const void*, borel_workspace*, Cell*);
};

// i32 test.<name>(instance, ws, cells): arguments are read from cells (of an array: its address and
// dynamic extents), results are written after them.
static void add_wrapper(ModuleEmitter& emitter, EmittedFunction& function) {
  auto* wrapper = llvm::Function::Create(
      llvm::FunctionType::get(emitter.i32, {emitter.ptr, emitter.ptr, emitter.ptr}, false),
      llvm::GlobalValue::ExternalLinkage, "test." + function.source.getSymName(), emitter.module);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(emitter.context, "entry", wrapper));
  llvm::Value* cells = wrapper->getArg(2);
  unsigned next = 0;
  const auto cell = [&](llvm::Type* type) -> llvm::Value* {
    llvm::Value* at = b.CreateConstGEP1_64(emitter.i64, cells, next++);
    if (type == emitter.i1) return b.CreateICmpNE(b.CreateLoad(emitter.i64, at), b.getInt64(0));
    return b.CreateLoad(type, at);
  };
  llvm::Value* top =
      b.CreateConstGEP1_64(b.getInt8Ty(), b.CreateLoad(emitter.ptr, wrapper->getArg(1)), 64);
  llvm::SmallVector<llvm::Value*> arguments{wrapper->getArg(0), wrapper->getArg(1), top};
  for (unsigned i = 3; i < function.function->arg_size(); ++i)
    arguments.push_back(cell(function.function->getArg(i)->getType()));
  llvm::Value* returned = b.CreateCall(function.function, arguments);
  llvm::Value* status = returned;
  if (auto* type = llvm::dyn_cast<llvm::StructType>(returned->getType())) {
    status = b.CreateExtractValue(returned, 0);
    for (unsigned i = 1; i < type->getNumElements(); ++i) {
      llvm::Value* value = b.CreateExtractValue(returned, i);
      if (value->getType() == emitter.i1) value = b.CreateZExt(value, emitter.i64);
      b.CreateStore(value, b.CreateConstGEP1_64(emitter.i64, cells, next++));
    }
  }
  b.CreateRet(status);
}

CompiledIr::CompiledIr(const std::string& text, int width, std::vector<std::string> in_place)
    : state_(std::make_unique<State>()), in_place_(in_place) {
  state_->source = mlir::parseSourceString<mlir::ModuleOp>(text, &state_->context);
  if (!state_->source) throw std::runtime_error("the IR text does not parse");
  auto target = host_target();
  state_->target = target.value();
  if (width > 0) state_->target.vector_width = width;
  auto module = std::make_unique<llvm::Module>("test", *state_->llvm_context);
  ModuleEmitter emitter(*state_->source, *module, state_->target, in_place);
  emitter.emit_functions();
  llvm::raw_string_ostream out(ir_);
  module->print(out, nullptr);
  for (auto op : state_->source->getOps<mlir::func::FuncOp>())
    add_wrapper(emitter, emitter.function(op));
  auto jit = Jit::create(state_->target, {});
  if (!jit) throw std::runtime_error(jit.error().text());
  state_->jit.emplace(std::move(jit).value());
  auto added = state_->jit->add(std::move(module), OptimiseOptions{});
  if (!added) throw std::runtime_error(added.error().text() + "\n" + ir_);
}

CompiledIr::~CompiledIr() = default;

std::vector<Datum> CompiledIr::interpret(const std::string& function,
                                         const std::vector<Datum>& arguments) {
  testing::Interpreter interpreter(*state_->source);
  interpreter.slots = slots;
  auto results = interpreter.call(function, arguments);
  fragile = interpreter.fragile;
  return results;
}

namespace {
struct Call {
  std::vector<Cell> cells;
  std::vector<std::vector<Cell>> memory;
  std::vector<Cell> instance;
  std::vector<std::size_t> result_memory;  // of each result, index into memory, or none
  std::size_t first_scalar = 0;
};
constexpr std::size_t none = ~std::size_t{0};
}  // namespace

static Call make_call(mlir::ModuleOp source, mlir::func::FuncOp op,
                      const std::map<std::string, Datum>& slots,
                      const std::vector<Datum>& arguments, const std::vector<Datum>& like,
                      bool in_place) {
  Call call;
  const auto memory_of = [&](const Datum& d) {
    // Vectors must not read or write past an array: its memory is exactly as long as it is.
    call.memory.push_back(to_cells(d));
    call.memory.back().shrink_to_fit();
    return call.memory.back().data();
  };
  InstanceLayout layout(source);
  call.instance.resize(static_cast<std::size_t>(layout.header_bytes()) / 8 + 1);
  for (auto slot : source.getOps<prob::SlotOp>()) {
    const Datum& value = slots.at(slot.getSymName().str());
    Cell& cell = call.instance[static_cast<std::size_t>(layout.offset(slot.getSymName())) / 8];
    if (prob::is_array(slot.getType()))
      cell.address = memory_of(value);
    else
      cell = to_cell(value);
  }
  std::vector<std::size_t> argument_memory;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const mlir::Type type = op.getArgumentTypes()[i];
    if (!prob::is_array(type)) {
      call.cells.push_back(to_cell(arguments[i]));
      continue;
    }
    Cell cell;
    cell.address = memory_of(arguments[i]);
    argument_memory.push_back(call.memory.size() - 1);
    call.cells.push_back(cell);
    const auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    for (unsigned d = 0; d < tensor.getRank(); ++d)
      if (tensor.isDynamicDim(d)) {
        cell.integer = as_array(arguments[i]).shape[d];
        call.cells.push_back(cell);
      }
  }
  std::size_t array = 0;
  for (std::size_t i = 0; i < op.getNumResults(); ++i) {
    if (!prob::is_array(op.getResultTypes()[i])) {
      call.result_memory.push_back(none);
      continue;
    }
    if (in_place) {
      call.result_memory.push_back(argument_memory.at(array++));
      continue;
    }
    Cell cell;
    cell.address = memory_of(like.at(i));
    std::fill_n(static_cast<unsigned char*>(cell.address), call.memory.back().size() * 8, 0xee);
    call.result_memory.push_back(call.memory.size() - 1);
    call.cells.push_back(cell);
  }
  call.first_scalar = call.cells.size();
  call.cells.resize(call.cells.size() + op.getNumResults());
  return call;
}

Outcome CompiledIr::run(const std::string& function, const std::vector<Datum>& arguments,
                        const std::vector<Datum>* like) {
  auto op = state_->source->lookupSymbol<mlir::func::FuncOp>(function);
  std::vector<Datum> shapes;
  if (like)
    shapes = *like;
  else if (llvm::any_of(op.getResultTypes(), prob::is_array))
    shapes = interpret(function, arguments);
  // Only array results that share their memory with arguments have no cell of their own.
  std::size_t arrays = 0;
  for (const mlir::Type type : op.getResultTypes()) arrays += prob::is_array(type);
  Call call = make_call(*state_->source, op, slots, arguments, shapes,
                        arrays > 0 && llvm::is_contained(in_place_, function));
  std::vector<std::uint8_t> bytes(workspace + 64);
  borel_workspace ws{};
  ws.begin = reinterpret_cast<std::uint8_t*>((reinterpret_cast<std::uintptr_t>(bytes.data()) + 63) /
                                             64 * 64);
  ws.end = ws.begin + workspace;
  auto* random = reinterpret_cast<RandomContext*>(ws.begin);
  const auto philox = runtime::philox_key(key.seed, key.stream);
  *random = {philox[0] | static_cast<std::uint64_t>(philox[1]) << 32, key.step, 0, 0};
  auto address = state_->jit->look_up("test." + function);
  if (!address) throw std::runtime_error(address.error().text());
  Outcome outcome;
  outcome.status =
      reinterpret_cast<State::Function>(*address)(call.instance.data(), &ws, call.cells.data());
  outcome.fault = ws.fault;
  outcome.needed = ws.needed;
  if (outcome.status != BOREL_OK) return outcome;
  std::size_t scalar = call.first_scalar;
  for (std::size_t i = 0; i < op.getNumResults(); ++i) {
    const mlir::Type type = op.getResultTypes()[i];
    if (call.result_memory[i] == none) {
      outcome.results.push_back(from_cell(call.cells[scalar++], type));
      continue;
    }
    std::vector<Datum> elements;
    for (const Cell cell : call.memory[call.result_memory[i]])
      elements.push_back(from_cell(cell, prob::scalar_type(type)));
    outcome.results.push_back(testing::make_array(as_array(shapes[i]).shape, elements));
  }
  return outcome;
}

std::vector<double> numbers(const Datum& array) {
  std::vector<double> list;
  for (const Datum& element : as_array(array).elements) list.push_back(testing::as_real(element));
  return list;
}

std::string show(const Datum& datum) {
  std::ostringstream out;
  out.precision(17);
  if (auto* real = std::get_if<testing::Real>(&datum)) out << real->value;
  if (auto* integer = std::get_if<std::int64_t>(&datum)) out << *integer;
  if (auto* truth = std::get_if<bool>(&datum)) out << (*truth ? "true" : "false");
  if (auto* array = std::get_if<std::shared_ptr<const testing::Array>>(&datum)) {
    out << '[';
    for (const Datum& element : (*array)->elements) out << show(element) << ' ';
    out << ']';
  }
  return out.str();
}

static bool same(const Datum& a, const Datum& b, double tolerance) {
  if (a.index() != b.index()) return false;
  if (std::holds_alternative<testing::Real>(a)) {
    const double x = testing::as_real(a), y = testing::as_real(b);
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
    // Where the interpreter knows how large rounding errors may be, they may be that large.
    const double room = std::max(testing::as_dual(a).error, testing::as_dual(b).error) * 32;
    return x == y || std::fabs(x - y) <= tolerance * (1 + std::fabs(y)) + room;
  }
  if (auto* array = std::get_if<std::shared_ptr<const testing::Array>>(&a)) {
    const testing::Array& other = as_array(b);
    if ((*array)->shape != other.shape) return false;
    for (std::size_t i = 0; i < other.elements.size(); ++i)
      if (!same((*array)->elements[i], other.elements[i], tolerance)) return false;
    return true;
  }
  if (auto* truth = std::get_if<bool>(&a)) return *truth == std::get<bool>(b);
  return testing::as_int(a) == testing::as_int(b);
}

void CompiledIr::expect_same(const std::string& function, const std::vector<Datum>& arguments,
                             double tolerance) {
  const std::vector<Datum> expected = interpret(function, arguments);
  const Outcome outcome = run(function, arguments, &expected);
  ASSERT_EQ(outcome.status, BOREL_OK)
      << function << " needs " << outcome.needed << ", fault " << outcome.fault.kind;
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(same(outcome.results[i], expected[i], tolerance))
        << function << " result " << i << ":\n  " << show(outcome.results[i])
        << "\nwhere the interpreter has\n  " << show(expected[i]);
}

double CompiledIr::time(const std::string& function, const std::vector<Datum>& arguments) {
  auto op = state_->source->lookupSymbol<mlir::func::FuncOp>(function);
  const std::vector<Datum> expected = interpret(function, arguments);
  Call call = make_call(*state_->source, op, slots, arguments, expected, false);
  std::vector<std::uint8_t> bytes(workspace + 64);
  borel_workspace ws{};
  ws.begin = reinterpret_cast<std::uint8_t*>((reinterpret_cast<std::uintptr_t>(bytes.data()) + 63) /
                                             64 * 64);
  ws.end = ws.begin + workspace;
  auto address = state_->jit->look_up("test." + function);
  auto* entry = reinterpret_cast<State::Function>(*address);
  double best = 1e300;
  for (int round = 0; round < 50; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) entry(call.instance.data(), &ws, call.cells.data());
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / 1000);
  }
  return best;
}

int CompiledIr::count_in(const std::string& function, const std::string& text) const {
  const std::size_t begin = ir_.find("@" + function + "(ptr noalias");
  if (begin == std::string::npos) return -1;
  const std::size_t end = ir_.find("\n}\n", begin);
  int count = 0;
  for (std::size_t at = ir_.find(text, begin); at < end; at = ir_.find(text, at + 1)) ++count;
  return count;
}

}  // namespace borel::codegen
