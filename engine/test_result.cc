// An outcome against the expectations of a test.
#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/lower.h"
#include "engine/reasons.h"

namespace weft::engine {
namespace {

// Somebody said no; not merely that there is nothing there.
bool IsRefusal(Stage stage) {
  return stage != Stage::kHidden && stage != Stage::kNoRoute && stage != Stage::kUnavailable;
}

using Kind = TestCase::Expect::Kind;

std::string BackendText(const Model& model, const Backend& backend) {
  std::string text = std::visit(Overloaded{
                                    [&](ServiceId id) { return model[id].name; },
                                    [&](ExternalId id) { return model[id].name; },
                                },
                                backend.service);
  if (!backend.subset.empty()) text += "." + backend.subset;
  return text + " on " + model[backend.cluster].name;
}

bool Fits(const Model& model, const Branch& branch, const TestCase::Expect& expect) {
  if (branch.blocked || branch.tiers.empty()) return false;
  const auto& backends = branch.tiers.front().backends;
  return std::all_of(backends.begin(), backends.end(), [&](const Backend& backend) {
    if (!expect.cluster.IsNone() && backend.cluster != expect.cluster) return false;
    if (!expect.subset.empty() && branch.subset != expect.subset) return false;
    return std::visit(
        Overloaded{
            [&](ServiceId id) {
              return backend.service == std::variant<ServiceId, ExternalId>(id);
            },
            [&](ExternalId id) {
              return backend.service == std::variant<ServiceId, ExternalId>(id);
            },
            [&](DestinationId id) {
              if (branch.target == TargetRef(id)) return true;
              const auto& backings = model[id].backings;
              return std::any_of(backings.begin(), backings.end(), [&](const Backing& b) {
                return b.cluster == backend.cluster &&
                       backend.service == std::variant<ServiceId, ExternalId>(b.service);
              });
            },
        },
        *expect.target);
  });
}

int AnsweredStatus(const Outcome& outcome) {
  if (const Block* block = outcome.FirstBlock()) return block->status;
  if (!outcome.answered) return 0;
  return std::visit(Overloaded{
                        [](const Redirect& redirect) { return redirect.code; },
                        [](const Respond& respond) { return respond.status; },
                    },
                    *outcome.answered);
}

const Redirect* RedirectOf(const Outcome& outcome) {
  return outcome.answered ? std::get_if<Redirect>(&*outcome.answered) : nullptr;
}

bool Meets(const Model& model, const TestCase::Expect& expect, const Request& request,
           const Outcome& outcome) {
  const Block* block = outcome.FirstBlock();
  switch (expect.kind) {
    case Kind::kAllowed:
      return outcome.AllowedSomewhere() && block == nullptr;
    case Kind::kDenied:
      return block != nullptr && !outcome.AllowedSomewhere() && IsRefusal(block->stage);
    case Kind::kBlocked:
      return block != nullptr && !outcome.AllowedSomewhere() &&
             (!expect.stage || *expect.stage == block->stage);
    case Kind::kServedBy:
      return !outcome.branches.empty() &&
             std::all_of(outcome.branches.begin(), outcome.branches.end(),
                         [&](const Branch& b) { return Fits(model, b, expect); });
    case Kind::kRespond:
      return outcome.branches.empty() ? AnsweredStatus(outcome) == expect.status
                                      : block != nullptr && block->status == expect.status;
    case Kind::kRedirect: {
      const Redirect* redirect = RedirectOf(outcome);
      return redirect != nullptr &&
             (expect.location.empty() || expect.location == Location(*redirect, request));
    }
    case Kind::kTimeout:
      return outcome.timeout.value_or(Millis{0}) == expect.duration;
  }
  return false;
}

std::string ExpectText(const Model& model, const TestCase::Expect& expect) {
  switch (expect.kind) {
    case Kind::kAllowed:
      return "allowed";
    case Kind::kDenied:
      return "denied";
    case Kind::kBlocked:
      return expect.stage ? "blocked at " + std::string(StageName(*expect.stage)) : "blocked";
    case Kind::kServedBy: {
      std::string text = "served by ";
      text += std::visit([&](auto id) { return model[id].name; }, *expect.target);
      if (!expect.subset.empty()) text += "." + expect.subset;
      if (!expect.cluster.IsNone()) text += " on " + model[expect.cluster].name;
      return text;
    }
    case Kind::kRespond:
      return "status " + std::to_string(expect.status);
    case Kind::kRedirect:
      return "a redirect" + (expect.location.empty() ? "" : " to " + expect.location);
    case Kind::kTimeout:
      return "timeout " + std::to_string(expect.duration.count()) + "ms";
  }
  return "";
}

}  // namespace

std::string Location(const Redirect& redirect, const Request& request) {
  const bool secure = redirect.https || (request.tls && !redirect.https);
  std::string location = secure ? "https://" : "http://";
  location += redirect.host.empty() ? request.host : redirect.host;
  if (redirect.port) location += ":" + std::to_string(*redirect.port);
  return location + (redirect.path.empty() ? request.path : redirect.path);
}

std::string OutcomeText(const Model& model, const Outcome& outcome) {
  if (const Block* block = outcome.FirstBlock()) {
    std::string text = "blocked at " + std::string(StageName(block->stage));
    if (block->status != 0) text += " (" + std::to_string(block->status) + ")";
    return text;
  }
  if (outcome.answered) {
    return (RedirectOf(outcome) != nullptr ? "redirected with " : "answered with ") +
           std::to_string(AnsweredStatus(outcome));
  }
  std::string text = "served by ";
  bool first = true;
  for (const Branch& branch : outcome.branches) {
    if (branch.tiers.empty()) continue;
    for (const Backend& backend : branch.tiers.front().backends) {
      text += (first ? "" : ", ") + BackendText(model, backend);
      first = false;
    }
  }
  return text;
}

namespace {

// ": no host `x` is known here"; "" when there is nothing to add.
std::string ReasonText(const Model& model, const Request& request, const Outcome& outcome) {
  const Reason reason = WhyNowhere(model, request, outcome);
  if (reason.text.empty()) return "";
  const std::string text = ": " + reason.text;
  if (reason.gateway.IsNone()) return text;
  return text + "; write `through gateway " + model[reason.gateway].name + "`";
}

}  // namespace

TestResult RunTest(const Model& model, const TestCase& test) {
  TestResult result{
      .passed = true, .outcome = Evaluate(model, test.request), .message = "", .span = {}};
  for (const TestCase::Expect& expect : test.expects) {
    if (Meets(model, expect, test.request, result.outcome)) continue;
    result.passed = false;
    result.span = expect.span;
    result.message = "expected " + ExpectText(model, expect) + ", found ";
    if (expect.kind == Kind::kTimeout && result.outcome.FirstBlock() == nullptr) {
      result.message +=
          "timeout " + std::to_string(result.outcome.timeout.value_or(Millis{0}).count()) + "ms";
    } else {
      result.message += OutcomeText(model, result.outcome);
      const Redirect* redirect = RedirectOf(result.outcome);
      if (expect.kind == Kind::kRedirect && redirect != nullptr) {
        result.message += " to " + Location(*redirect, test.request);
      }
      result.message += ReasonText(model, test.request, result.outcome);
    }
    break;
  }
  return result;
}

}  // namespace weft::engine
