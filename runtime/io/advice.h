// What a run's diagnostics mean, which sites they concern, and what to do.
#ifndef BOREL_RUNTIME_IO_ADVICE_H
#define BOREL_RUNTIME_IO_ADVICE_H

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/io/summary.h"

namespace borel::io {

enum class AdviceKind { divergences, tree_depth, energy, rhat, ess, rejections };

struct SiteNote {
  std::string site;          // name in the source
  runtime::SourceSpan span;  // of its declaration
  std::string text;          // what is wrong there: "R-hat 1.07 (`theta[3]`)"
};

struct Advice {
  AdviceKind kind;
  std::string text;             // a sentence or two: what was seen, why it matters, what to try
  std::vector<SiteNote> sites;  // most concerned first
};

// Limits: R-hat above 1.01, ESS below 100 a chain, E-BFMI below 0.3 (Betancourt; Vehtari et al.).
// Empty when there is nothing to say.
std::vector<Advice> advise(const runtime::Instance& instance, const runtime::SampleResult& result,
                           const Summary& summary);

// How unlike the rest the values at divergent draws are: the standardised mean rank of those draws
// among all (Mann and Whitney), per latent site its most unlike element. Ranks make it blind to
// scale, so a positive site counts as on its log scale.
struct DivergenceShift {
  std::int32_t site;
  std::string quantity;  // its most shifted element
  double z;              // below 0: small at divergent draws
  double divergent_median, median;
};
// Largest |z| first.
std::vector<DivergenceShift> divergence_shifts(const runtime::Instance& instance,
                                               const runtime::SampleResult& result,
                                               const Summary& summary);

// "warning: …" with a line for each site, for a plain terminal.
std::string advice_text(const std::vector<Advice>& advice);

}  // namespace borel::io

#endif
