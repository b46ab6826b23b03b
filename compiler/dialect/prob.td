// The prob dialect: programs that draw, score and differentiate.
//
// Values are scalars (f64, i64, i1) and immutable tensors of them; upstream arith, math, func and
// scf (if, while) do the rest. Everything is in value form: an array that a program mutates is a
// chain of inserts, so passes need no alias analysis. codegen gives tensors their memory.
//
// A model is a func.func with the unit attribute `prob.model`. Its body draws with prob.sample,
// scores data with prob.observe, records with prob.record. The passes density and unconstrain turn
// these into prob.score; accumulate turns scores into an ordinary sum that the function returns.
// A model returns the values of its latent and then of its derived sites (zero where a site was not
// reached). prob.require may also occur in ordinary functions (a log density that checks its
// parameters): accumulate makes such a function's real result -infinity.
#ifndef BOREL_PROB_TD
#define BOREL_PROB_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/LoopLikeInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Prob_Dialect : Dialect {
  let name = "prob";
  let cppNamespace = "::borel::prob";
  let summary = "Probabilistic programs";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

class Prob_Op<string mnemonic, list<Trait> traits = []> : Op<Prob_Dialect, mnemonic, traits>;

def Prob_Real : AnyTypeOf<[AnyFloat], "real">;
def Prob_Scalar : AnyTypeOf<[AnyFloat, I64, I1], "scalar">;
def Prob_Array : TensorOf<[AnyFloat, I64, I1]>;
def Prob_Value : AnyTypeOf<[Prob_Scalar, Prob_Array], "scalar or array">;

// Scores and draws must neither be merged nor dropped nor reordered among themselves.
def Prob_TraceResource : Resource<"::borel::prob::TraceResource">;
// The counter of random positions that a step keeps.
def Prob_RandomResource : Resource<"::borel::prob::RandomResource">;
def Prob_FaultResource : Resource<"::borel::prob::FaultResource">;

//===------------------------------------------------------------------------------------------===//
// Data
//===------------------------------------------------------------------------------------------===//

def Prob_SlotOp : Prob_Op<"slot", [Symbol]> {
  let summary = "a value of the instance: an input, a size, or something hoisted to bind";
  let description = [{
    `kind` is "input", "size" or "hoisted". `dims` names, for each dimension of an array slot, an
    i64 slot that holds its extent (or an integer attribute: a constant; or [symbol, integer]: that
    slot plus the integer). Slots are immutable once
    bound. `order` (of inputs and sizes) is the index in the program's descriptor.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, StrAttr:$kind,
                       DefaultValuedAttr<ArrayAttr, "{}">:$dims,
                       DefaultValuedAttr<I64Attr, "-1">:$order);
  let assemblyFormat = "$kind $sym_name `:` $type attr-dict";
}

def Prob_DataOp : Prob_Op<"data", [Pure]> {
  let summary = "reads a slot of the instance";
  let arguments = (ins FlatSymbolRefAttr:$slot);
  let results = (outs Prob_Value:$value);
  let assemblyFormat = "$slot `:` type($value) attr-dict";
}

//===------------------------------------------------------------------------------------------===//
// Arrays (immutable; indices count from 0; row major)
//===------------------------------------------------------------------------------------------===//

def Prob_ZerosOp : Prob_Op<"zeros", [Pure]> {
  let summary = "an array of zeros (false for i1) with one extent per dimension";
  let arguments = (ins Variadic<I64>:$extents);
  let results = (outs Prob_Array:$result);
  let assemblyFormat = "`(` $extents `)` `:` type($result) attr-dict";
  let hasVerifier = 1;
}

def Prob_DimOp : Prob_Op<"dim", [Pure]> {
  let summary = "the extent of one dimension";
  let arguments = (ins Prob_Array:$array, I64Attr:$dimension);
  let results = (outs I64:$extent);
  let assemblyFormat = "$array $dimension `:` type($array) attr-dict";
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Prob_ExtractOp : Prob_Op<"extract", [NoMemoryEffect,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>]> {
  let summary = "an element, or the sub-array under a prefix of indices";
  let description = [{
    With `place` the indices are checked where the code runs, and one out of range is a fault; without
    it the compiler has shown them to be in range.
  }];
  let arguments = (ins Prob_Array:$array, Variadic<I64>:$indices, OptionalAttr<I64Attr>:$place);
  let results = (outs Prob_Value:$result);
  let assemblyFormat = "$array `[` $indices `]` attr-dict `:` type($array) `->` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Prob_InsertOp : Prob_Op<"insert", [NoMemoryEffect,
    DeclareOpInterfaceMethods<ConditionallySpeculatable>, AllTypesMatch<["array", "result"]>]> {
  let summary = "the array with one element (or sub-array) replaced";
  let arguments = (ins Prob_Value:$value, Prob_Array:$array, Variadic<I64>:$indices,
                       OptionalAttr<I64Attr>:$place);
  let results = (outs Prob_Array:$result);
  let assemblyFormat =
      "$value `into` $array `[` $indices `]` attr-dict `:` type($value) `into` type($array)";
  let hasVerifier = 1;
}

def Prob_AddAtOp : Prob_Op<"add_at", [Pure, AllTypesMatch<["array", "result"]>]> {
  let summary = "the array with a value added to one element (or sub-array)";
  let description = [{ Additions commute: their order, and so the last bits, are the compiler's. }];
  let arguments = (ins Prob_Value:$value, Prob_Array:$array, Variadic<I64>:$indices);
  let results = (outs Prob_Array:$result);
  let assemblyFormat =
      "$value `into` $array `[` $indices `]` attr-dict `:` type($value) `into` type($array)";
  let hasVerifier = 1;
}

//===------------------------------------------------------------------------------------------===//
// Loops
//===------------------------------------------------------------------------------------------===//

def Prob_ForOp : Prob_Op<"for", [AttrSizedOperandSegments, AttrSizedResultSegments,
    RecursiveMemoryEffects, RecursivelySpeculatable,
    SingleBlockImplicitTerminator<"::borel::prob::YieldOp">,
    DeclareOpInterfaceMethods<LoopLikeOpInterface>]> {
  let summary = "a counted loop whose results say how iterations combine";
  let description = [{
    The body has arguments (iv: i64, carries…, intos…) and runs for iv in lower..upper (descending
    with `reverse`; not at all when upper <= lower). Results, in this order:
     - carries: loop-carried values, the last iteration's (the inits when there is none);
     - maps: per-iteration values collected into an array with a new leading dimension of extent
       max(upper - lower, 0), element iv - lower being iteration iv's;
     - sums: real or integer sums of per-iteration scalars (0 when there are none), in an order that
       the compiler chooses;
     - intos: arrays to which iterations add. In the body an into argument may only be the `array`
       of prob.add_at, an into init of a nested prob.for or an scf.if's yield, and the chain's end is
       yielded.
    A loop without carries whose body has no effect is a plate: its iterations are independent.
  }];
  let arguments = (ins I64:$lower, I64:$upper, Variadic<Prob_Value>:$carry_inits,
                       Variadic<Prob_Array>:$into_inits, UnitAttr:$reverse);
  let results = (outs Variadic<Prob_Value>:$carries, Variadic<Prob_Array>:$maps,
                      Variadic<Prob_Scalar>:$sums, Variadic<Prob_Array>:$intos);
  let regions = (region SizedRegion<1>:$body);
  let skipDefaultBuilders = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Value":$lower, "::mlir::Value":$upper,
                   "::mlir::ValueRange":$carry_inits, "::mlir::TypeRange":$map_elements,
                   "::mlir::TypeRange":$sum_types, "::mlir::ValueRange":$into_inits,
                   CArg<"bool", "false">:$reverse)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block& block() { return getBody().front(); }
    ::mlir::BlockArgument induction() { return block().getArgument(0); }
    ::mlir::Block::BlockArgListType carry_args();
    ::mlir::Block::BlockArgListType into_args();
    ::borel::prob::YieldOp terminator();
    bool is_plate();  // no carries and no effects in the body
  }];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Prob_YieldOp : Prob_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments,
                                     HasParent<"ForOp">]> {
  let summary = "ends an iteration of prob.for";
  let arguments = (ins Variadic<Prob_Value>:$carries, Variadic<Prob_Value>:$maps,
                       Variadic<Prob_Scalar>:$sums, Variadic<Prob_Array>:$intos);
  let builders = [OpBuilder<(ins), [{
    build($_builder, $_state, ::mlir::ValueRange{}, ::mlir::ValueRange{}, ::mlir::ValueRange{},
          ::mlir::ValueRange{});
  }]>];
  let assemblyFormat = [{
    (`carry` `(` $carries^ `:` type($carries) `)`)? (`map` `(` $maps^ `:` type($maps) `)`)?
    (`sum` `(` $sums^ `:` type($sums) `)`)? (`into` `(` $intos^ `:` type($intos) `)`)? attr-dict
  }];
}

//===------------------------------------------------------------------------------------------===//
// Special functions that math does not have
//===------------------------------------------------------------------------------------------===//

def Prob_SpecialOp : Prob_Op<"special", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "a special function of one real: lgamma, digamma, trigamma, erfc, Phi, log_Phi, …";
  let arguments = (ins StrAttr:$function, Prob_Real:$x);
  let results = (outs Prob_Real:$result);
  let assemblyFormat = "$function $x `:` type($x) attr-dict";
}

//===------------------------------------------------------------------------------------------===//
// Generative programs
//===------------------------------------------------------------------------------------------===//
// `site` is an index into the model's `prob.sites`; `extents` are the array extents of the site and
// `indices` the element drawn (none for a whole site). `place` is an index into the module's
// `prob.places`.

def Prob_SampleOp : Prob_Op<"sample", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "draws at a latent site";
  let description = [{
    `logp` (parameters…, value) -> real scores; `sampler` (parameters…) -> value draws, where the
    distribution has one; `constrain` (support parameters…, u) -> (value, log |Jacobian|) and
    `unconstrain` (support parameters…, value) -> u map between the support and the reals (absent:
    the identity for reals; a discrete site has none). For an array-valued draw `unconstrained_size`
    is the number of reals of u and `value_size` the extent of the value; for a scalar both are absent.
  }];
  let arguments = (ins Variadic<Prob_Value>:$parameters, Variadic<Prob_Value>:$support_parameters,
                       Variadic<I64>:$indices, Variadic<I64>:$extents,
                       Optional<I64>:$unconstrained_size, Optional<I64>:$value_size,
                       I64Attr:$site, FlatSymbolRefAttr:$logp,
                       OptionalAttr<FlatSymbolRefAttr>:$sampler,
                       OptionalAttr<FlatSymbolRefAttr>:$constrain,
                       OptionalAttr<FlatSymbolRefAttr>:$unconstrain, I64Attr:$place);
  let results = (outs Prob_Value:$value);
  let assemblyFormat = [{
    $logp `(` ($parameters^ `:` type($parameters))? `)` `site` $site
    (`[` $indices^ `]`)? (`of` `(` $extents^ `)`)?
    (`on` $constrain^)? (`given` `(` $support_parameters^ `:` type($support_parameters) `)`)?
    (`reals` $unconstrained_size^)? (`values` $value_size^)?
    `at` $place attr-dict `:` type($value)
  }];
}

def Prob_ObserveOp : Prob_Op<"observe", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "scores data at an observed site";
  let arguments = (ins Prob_Value:$value, Variadic<Prob_Value>:$parameters,
                       Variadic<I64>:$indices, I64Attr:$site, FlatSymbolRefAttr:$logp,
                       OptionalAttr<FlatSymbolRefAttr>:$sampler, I64Attr:$place);
  let assemblyFormat = [{
    $value `:` type($value) `from` $logp `(` ($parameters^ `:` type($parameters))? `)` `site` $site
    (`[` $indices^ `]`)? `at` $place attr-dict
  }];
}

def Prob_ObservedOp : Prob_Op<"observed", [Pure]> {
  let summary = "what an observed site holds where the model reads it: its data";
  let description = [{
    `value` is all of the site's data, whose type may be another than the site's (whole numbers for
    a real site). `transposed`: the last two dimensions of the data lie the other way round than the
    site's. A model has one for each observed site at its start, and one wherever it reads the site
    by name. All but `predict` replace it by the data.
  }];
  let arguments = (ins Prob_Value:$data, I64Attr:$site, UnitAttr:$transposed);
  let results = (outs Prob_Value:$value);
  let assemblyFormat = "$data `:` type($data) `site` $site (`transposed` $transposed^)? attr-dict `->` type($value)";
}

def Prob_LatentOp : Prob_Op<"latent", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "the value of a latent site, read from the function's trace arguments";
  let description = [{
    What density leaves of prob.sample: `source` is the function argument that holds the site's
    value (a scalar, or an array indexed by `indices`). unconstrain replaces it by a read of the
    unconstrained vector, a call of `constrain`, and a score of the log Jacobian.
  }];
  let arguments = (ins Prob_Value:$source, Variadic<Prob_Value>:$support_parameters,
                       Variadic<I64>:$indices, Variadic<I64>:$extents,
                       Optional<I64>:$unconstrained_size, Optional<I64>:$value_size,
                       I64Attr:$site, OptionalAttr<FlatSymbolRefAttr>:$constrain,
                       OptionalAttr<FlatSymbolRefAttr>:$unconstrain, I64Attr:$place);
  let results = (outs Prob_Value:$value);
  let assemblyFormat = [{
    $source `:` type($source) `site` $site (`[` $indices^ `]`)? (`of` `(` $extents^ `)`)?
    (`on` $constrain^)? (`given` `(` $support_parameters^ `:` type($support_parameters) `)`)?
    (`reals` $unconstrained_size^)? (`values` $value_size^)?
    `at` $place attr-dict `:` type($value)
  }];
}

def Prob_ScoreOp : Prob_Op<"score", [MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "adds to the log density (a log density term, a log Jacobian, or factor(w))";
  let arguments = (ins Prob_Real:$value, I64Attr:$place);
  let assemblyFormat = "$value `:` type($value) `at` $place attr-dict";
}

def Prob_RequireOp : Prob_Op<"require", [MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "makes the log density -infinity unless the condition holds; reject() is require false";
  let arguments = (ins I1:$condition, I64Attr:$place);
  let assemblyFormat = "$condition `at` $place attr-dict";
}

def Prob_RecordOp : Prob_Op<"record", [AttrSizedOperandSegments,
    MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "records a derived quantity (`:=`)";
  let arguments = (ins Prob_Value:$value, Variadic<I64>:$indices, Variadic<I64>:$extents,
                       I64Attr:$site, I64Attr:$place);
  let assemblyFormat = [{
    $value `:` type($value) `site` $site (`[` $indices^ `]`)? (`of` `(` $extents^ `)`)?
    `at` $place attr-dict
  }];
}

def Prob_DrawnOp : Prob_Op<"drawn", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "marks a value as what was drawn at an element of a site";
  let description = [{
    Within suspend: a stage that scores given values, where it would draw, has them instead.
  }];
  let arguments = (ins Prob_Value:$value, Variadic<I64>:$indices, I64Attr:$site);
  let results = (outs Prob_Value:$result);
  let assemblyFormat = "$value `:` type($value) `site` $site (`[` $indices^ `]`)? attr-dict";
}

def Prob_StopOp : Prob_Op<"stop", [MemoryEffects<[MemWrite<Prob_TraceResource>]>]> {
  let summary = "where a population of runs may stop, to be weighted, resampled and moved";
  let description = [{
    In a model it stands at the top level, or at the end of the body of a loop at the top level whose
    bounds do not depend on draws: every run comes by all stops, in one order. All passes but suspend
    drop it. suspend gives it operands: of what came since the stop before the log weight and the log
    density of the draws, then the values by which the sites are known there, then for sites of
    which a loop draws one element at a time its index.
  }];
  let arguments = (ins Variadic<Prob_Value>:$values);
  let assemblyFormat = "(`(` $values^ `:` type($values) `)`)? attr-dict";
}

//===------------------------------------------------------------------------------------------===//
// Random bits of kernels and simulations
//===------------------------------------------------------------------------------------------===//

def Prob_UniformOp : Prob_Op<"uniform", [MemoryEffects<[MemRead<Prob_RandomResource>,
                                                        MemWrite<Prob_RandomResource>]>]> {
  let summary = "the next uniform in (0, 1) of this step's stream (53 bits)";
  let results = (outs Prob_Real:$result);
  let assemblyFormat = "`:` type($result) attr-dict";
}

def Prob_KeyOp : Prob_Op<"key", [MemoryEffects<[MemRead<Prob_RandomResource>,
                                                MemWrite<Prob_RandomResource>]>]> {
  let summary = "64 random bits of this step's stream: the key of uniforms that are taken by position";
  let results = (outs I64:$key);
  let assemblyFormat = "attr-dict `:` type($key)";
}

def Prob_UniformAtOp : Prob_Op<"uniform_at", [Pure]> {
  let summary = "uniform `number` in (0, 1) of `element`, a pure function of key, element and number";
  let description = [{
    What prob.uniform is in a plate: iterations take bits by their own number, in any order. Uniforms
    2k and 2k + 1 of an element are the words of one Philox block, with the counter (element, k).
  }];
  let arguments = (ins I64:$key, I64:$element, I64:$number);
  let results = (outs Prob_Real:$result);
  let assemblyFormat = "$key `[` $element `,` $number `]` attr-dict `:` type($result)";
}

def Prob_FaultOp : Prob_Op<"fault", [MemoryEffects<[MemWrite<Prob_FaultResource>]>]> {
  let summary = "ends the run with a fault, perhaps of an element, when the condition is true";
  let arguments = (ins I1:$condition, Optional<I64>:$element, I32Attr:$kind, I64Attr:$place);
  let assemblyFormat = "$condition (`element` $element^)? `kind` $kind `at` $place attr-dict";
}

#endif
