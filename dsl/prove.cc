// `prove "…" { law }`.
#include <algorithm>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

// More at once are so many cases that no answer would come.
constexpr Bounds kLossesAtOnce{1, 2};

void ReadLossClause(Cursor& c, ProveDecl& prove) {
  const std::uint32_t first = c.at();
  if (!c.AcceptWords({"on", "loss", "of", "any"})) return;
  const bool counted = c.Is(TokenKind::kNumber);
  if (counted) {
    prove.losses = c.ExpectNumber("how many are lost at once", kLossesAtOnce).value;
  }
  const bool many = prove.losses > 1;
  if (c.AcceptWord(many ? "clusters" : "cluster")) {
    prove.loss = ProveDecl::LossKind::kCluster;
  } else if (c.AcceptWord(many ? "regions" : "region")) {
    prove.loss = ProveDecl::LossKind::kRegion;
  } else if (c.AcceptWord(many ? "zones" : "zone")) {
    prove.loss = ProveDecl::LossKind::kZone;
  } else {
    c.FailExpected(many ? "`clusters`, `regions` or `zones`"
                   : counted
                       ? "`cluster`, `region` or `zone`"
                       : "`cluster`, `region`, `zone` or how many of them, such as `2 clusters`");
  }
  prove.loss_span = c.SpanFrom(first);
  c.Accept(TokenKind::kColon);
}

// `to X where … from … with mtls through g`, in any order.
void ReadPremises(Cursor& c, ProveDecl& prove) {
  while (!c.failed()) {
    if (c.AcceptWord("to")) {
      if (c.IsWord("workspace") && c.Kind(1) == TokenKind::kWord) {
        c.Skip();
        prove.to_workspace = true;
      }
      c.AcceptWord("service");
      prove.to = c.ExpectQName("a service, a destination or `workspace w`");
    } else if (c.AcceptWord("where")) {
      prove.where = ReadCondition(c);
    } else if (c.AcceptWord("from")) {
      prove.from = ReadSources(c);
    } else if (c.AcceptWords({"without", "mtls"})) {
      prove.mtls = false;
    } else if (c.AcceptWords({"with", "mtls"})) {
      prove.mtls = true;
    } else if (c.AcceptWords({"within", "limits"})) {
      prove.within_limits = true;
    } else if (c.AcceptWord("with")) {
      prove.answers.push_back(ReadAnswer(c));
    } else if (c.AcceptWord("through")) {
      c.AcceptWord("gateway");
      prove.through = c.ExpectQName("a gateway");
    } else if (c.AcceptWord("allowed")) {
      prove.only_allowed = true;
      if (c.IsWord("to")) continue;
    } else {
      return;
    }
  }
}

void ReadVerdict(Cursor& c, ProveDecl& prove) {
  c.ExpectWord("is");
  if (c.AcceptWord("allowed")) {
    prove.verdict = ProveDecl::Verdict::kAllowed;
  } else if (c.AcceptWord("blocked") || c.AcceptWord("denied")) {
    prove.verdict = ProveDecl::Verdict::kBlocked;
  } else if (c.AcceptWord("served")) {
    prove.verdict = ProveDecl::Verdict::kServed;
    if (c.AcceptWord("by")) {
      prove.verdict = ProveDecl::Verdict::kServedBy;
      prove.served_by = c.ExpectQName("a service");
    }
  } else {
    c.FailExpected("`allowed`, `blocked`, `served` or `served by s`");
  }
}

void ReadRequests(Cursor& c, ProveDecl& prove) {
  prove.form = ProveDecl::Form::kRequests;
  if (c.AcceptWord("every")) {
    prove.quantifier = ProveDecl::Quantifier::kEvery;
  } else {
    c.ExpectWord("no");
    prove.quantifier = ProveDecl::Quantifier::kNo;
  }
  if (c.AcceptWord("allowed")) prove.only_allowed = true;
  c.ExpectWord("request");
  ReadPremises(c, prove);
  ReadVerdict(c, prove);
}

// `replicas of X [from c] stay at least 4`, `replicas of every destination stay at least 50%`.
void ReadReplicas(Cursor& c, ProveDecl& prove) {
  prove.form = ProveDecl::Form::kReplicas;
  if (!c.AcceptWords({"every", "destination"})) {
    prove.to = c.ExpectQName("a service, a destination or `every destination`");
  }
  if (c.AcceptWord("from")) prove.from = ReadSources(c);
  for (const std::string_view word : {"stay", "at", "least"}) c.ExpectWord(word);
  if (c.Is(TokenKind::kNumber) && c.Text().ends_with('%')) {
    prove.replica_share = c.ExpectPercent("the share of replicas", Share::kSome);
  } else {
    prove.replicas = c.ExpectNumber("the number of replicas", kCount);
  }
}

// `chain a -> b -> c fits 5s`, `chain a -> b -> c makes at most 9 requests`.
void ReadChain(Cursor& c, ProveDecl& prove) {
  prove.form = ProveDecl::Form::kChain;
  do {
    prove.chain.push_back(c.ExpectQName("a service"));
  } while (c.Accept(TokenKind::kArrow));
  if (!c.failed() && prove.chain.size() < 2) c.FailExpected("`->` and the service it calls");
  if (c.AcceptWord("fits")) {
    prove.budget = c.ExpectDuration("fits");
  } else if (c.AcceptWords({"makes", "at", "most"})) {
    prove.requests = c.ExpectNumber("the number of requests", kCount);
    if (!c.AcceptWord("requests")) c.ExpectWord("request");
  } else {
    c.FailExpected("`fits` and a time, or `makes at most` and a number of requests");
  }
}

void ReadLaw(Cursor& c, ProveDecl& prove) {
  ReadLossClause(c, prove);
  if (c.AcceptWords({"data", "of"})) {
    prove.form = ProveDecl::Form::kResidency;
    prove.to = c.ExpectQName("a service or destination");
    c.ExpectWord("stays");
    c.ExpectWord("in");
    prove.regions = c.ExpectStrings("a region");
  } else if (c.AcceptWord("chain")) {
    ReadChain(c, prove);
  } else if (c.AcceptWords({"replicas", "of"})) {
    ReadReplicas(c, prove);
  } else {
    ReadRequests(c, prove);
  }
}

}  // namespace

void ReadProve(Cursor& c, Header header, Program& program) {
  ProveDecl prove{.header = std::move(header)};
  int laws = 0;
  bool tried = false;  // one that cannot be read has its own diagnostic
  c.ReadBlock("`prove`", {"no", "every", "on", "data", "chain", "replicas"},
              [&](std::string_view word) {
                tried = true;
                const auto known = c.known();
                if (std::find(known.begin(), known.end(), word) == known.end()) return false;
                if (laws > 0) {
                  c.Fail(codes::kRepeatedItem, c.SpanAt(), "a `prove` holds one law").help =
                      "give the second law a `prove` of its own";
                  return true;
                }
                const std::uint32_t first = c.at();
                ReadLaw(c, prove);
                prove.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
                if (!c.failed()) ++laws;
                return true;
              });
  if (laws == 1) {
    program.proves.push_back(std::move(prove));
  } else if (!c.failed() && !tried) {
    c.Fail(codes::kMissingItem, prove.header.span, "this `prove` holds no law").help =
        "say one, such as `no request to NAME from outside is allowed`";
  }
}

}  // namespace weft::dsl
