#include "compiler/transform/diagnose.h"

#include <limits>
#include <map>

#include "compiler/dialect/prob.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

namespace borel::transform {

using mlir::Value;
using mlir::func::FuncOp;
namespace arith = mlir::arith;

namespace {

enum FaultKind { parameter = 1, support = 2, reject = 3, not_finite = 4 };  // borel_fault_kind

class Diagnose {
 public:
  explicit Diagnose(FuncOp function)
      : function_(function), module_(function->getParentOfType<mlir::ModuleOp>()) {
    if (auto places = module_->getAttrOfType<mlir::ArrayAttr>(prob::places_attribute))
      llvm::append_range(places_, places);
  }

  mlir::LogicalResult run() {
    function_.walk([&](prob::ScoreOp score) { replace(score); });
    function_.walk([&](prob::RequireOp require) { replace(require); });
    module_->setAttr(prob::places_attribute, mlir::ArrayAttr::get(function_.getContext(), places_));
    return mlir::success();
  }

 private:
  void replace(prob::ScoreOp score) {
    mlir::OpBuilder b(score);
    const mlir::Location loc = score.getLoc();
    const Value infinity = prob::real_constant(b, loc, std::numeric_limits<double>::infinity());
    const Value impossible = prob::real_constant(b, loc, -std::numeric_limits<double>::infinity());
    // Not less than +infinity: NaN or +infinity.
    const Value broken =
        b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::UGE, score.getValue(), infinity);
    const Value excluded =
        b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OEQ, score.getValue(), impossible);
    b.create<prob::FaultOp>(loc, broken, not_finite, score.getPlace());
    b.create<prob::FaultOp>(loc, excluded, support, score.getPlace());
    score.erase();
  }

  void replace(prob::RequireOp require) {
    mlir::OpBuilder b(require);
    const mlir::Location loc = require.getLoc();
    const FaultKind kind = require->hasAttr(prob::of_value_attribute)                   ? support
                           : mlir::matchPattern(require.getCondition(), mlir::m_Zero()) ? reject
                                                                                        : parameter;
    const Value failed =
        b.create<arith::XOrIOp>(loc, require.getCondition(), prob::bool_constant(b, loc, true));
    auto place = static_cast<int64_t>(require.getPlace());
    if (auto drawn_at = require->getAttrOfType<mlir::IntegerAttr>(drawn_at_attribute))
      place = combined(drawn_at.getInt(), place);
    b.create<prob::FaultOp>(loc, failed, kind, static_cast<uint64_t>(place));
    require.erase();
  }

  /// A place at the draw that speaks of the condition.
  int64_t combined(int64_t draw, int64_t condition) {
    const auto count = static_cast<int64_t>(places_.size());
    if (draw < 0 || condition < 0 || draw >= count || condition >= count) return draw;
    const auto [entry, is_new] = combined_.try_emplace({draw, condition}, count);
    if (!is_new) return entry->second;
    mlir::NamedAttrList place(mlir::cast<mlir::DictionaryAttr>(places_[draw]));
    place.set("what", mlir::cast<mlir::DictionaryAttr>(places_[condition]).get("what"));
    places_.push_back(place.getDictionary(function_.getContext()));
    return count;
  }

  FuncOp function_;
  mlir::ModuleOp module_;
  llvm::SmallVector<mlir::Attribute> places_;
  std::map<std::pair<int64_t, int64_t>, int64_t> combined_;
};

}  // namespace

mlir::LogicalResult diagnose(FuncOp density) { return Diagnose(density).run(); }

}  // namespace borel::transform
