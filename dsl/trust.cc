// `trust root NAME { … }`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

// `for 365d key 4096 organization "shop"`
CertificateOptions ReadOptions(Cursor& c) {
  CertificateOptions options;
  while (!c.failed()) {
    if (c.AcceptWord("for")) {
      options.ttl = c.ExpectDuration("for");
    } else if (c.AcceptWord("key")) {
      options.key_bits = c.ExpectNumber("`key`", {1024, 16384});
    } else if (c.AcceptWord("organization")) {
      options.organization = c.ExpectString("an organization");
    } else if (c.AcceptWords({"rotate", "at"})) {
      options.rotate_at = c.ExpectPercent("`rotate at`", Share::kWhole);
    } else {
      break;
    }
  }
  return options;
}

// `"name" [in "ns"]` behind `secret`.
TrustDecl::Secret ReadSecretName(Cursor& c) {
  TrustDecl::Secret secret{ExpectObjectName(c, "the name of a secret"), {}};
  if (c.AcceptWord("in")) secret.in_namespace = ExpectNamespace(c);
  return secret;
}

bool ReadVaultItem(Cursor& c, TrustDecl::Vault& vault) {
  if (c.AcceptWords({"ca", "path"})) {
    vault.ca_path = c.ExpectString("a path");
  } else if (c.AcceptWords({"csr", "path"})) {
    vault.csr_path = c.ExpectString("a path");
  } else if (c.AcceptWord("bundle")) {
    vault.ca_bundle = c.ExpectString("certificates");
  } else if (c.AcceptWord("namespace")) {
    vault.vault_namespace = c.ExpectString("a namespace of Vault");
  } else if (c.AcceptWords({"token", "secret"})) {
    vault.token = ReadSecretName(c);
  } else if (c.AcceptWords({"token", "file"})) {
    vault.token_path = c.ExpectString("a file");
  } else if (c.AcceptWord("role")) {
    vault.role = c.ExpectString("a role");
  } else if (c.AcceptWord("mount")) {
    vault.mount = c.ExpectString("a mount");
  } else if (c.AcceptWords({"without", "verification"})) {
    vault.skip_verify = true;
  } else {
    return false;
  }
  return true;
}

TrustDecl::Vault ReadVault(Cursor& c) {
  TrustDecl::Vault vault{.server = c.ExpectString("the address of Vault"),
                         .ca_path = {},
                         .csr_path = {},
                         .ca_bundle = {},
                         .vault_namespace = {},
                         .token = {},
                         .role = {},
                         .mount = {},
                         .token_path = {}};
  c.ReadBlock("`vault`", {"ca", "csr", "bundle", "namespace", "token", "role", "mount", "without"},
              [&](std::string_view) { return ReadVaultItem(c, vault); },
              {"ca path", "csr path", "bundle", "namespace", "token secret", "token file", "role",
               "mount", "without verification"});
  return vault;
}

void ReadClusters(Cursor& c, TrustDecl& trust) {
  if (c.AcceptWords({"clusters", "where"})) {
    trust.cluster_labels = ReadLabelTerms(c);
  } else {
    trust.clusters = c.ExpectNames("a cluster");
  }
  if (c.AcceptWord("revision")) trust.revision = c.ExpectString("a revision");
}

bool ReadTrustItem(Cursor& c, TrustDecl& trust) {
  if (c.AcceptWord("generated")) {
    trust.generated = ReadOptions(c);
  } else if (c.AcceptWord("intermediate")) {
    trust.intermediate = ReadOptions(c);
  } else if (c.AcceptWords({"rotate", "at"})) {
    if (!trust.intermediate) trust.intermediate = CertificateOptions{};
    trust.intermediate->rotate_at = c.ExpectPercent("`rotate at`", Share::kWhole);
  } else if (c.AcceptWord("secret")) {
    trust.secret = ReadSecretName(c);
  } else if (c.AcceptWord("vault")) {
    trust.vault = ReadVault(c);
  } else if (c.AcceptWords({"restart", "pods"})) {
    trust.restart_pods = true;
  } else if (c.AcceptWord("passive")) {
    c.ExpectList([&] {
      c.ExpectWord("secret");
      trust.passive.push_back(ReadSecretName(c));
    });
  } else if (c.AcceptWord("on")) {
    ReadClusters(c, trust);
  } else if (c.AcceptWord("label")) {
    trust.header.labels.push_back(ReadLabel(c));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void ReadTrust(Cursor& c, Header header, Program& program) {
  TrustDecl trust{.header = std::move(header)};
  c.ReadBlock("`trust root`",
              {"generated", "intermediate", "rotate", "secret", "vault", "restart", "passive", "on",
               "label"},
              [&](std::string_view) { return ReadTrustItem(c, trust); },
              {"generated", "intermediate", "rotate at", "secret", "vault", "restart pods",
               "passive", "on"});
  const int sources = (trust.generated ? 1 : 0) + (trust.secret ? 1 : 0) + (trust.vault ? 1 : 0);
  if (sources > 1) {
    c.diagnostics()
        .Error(codes::kRepeatedItem, trust.header.span,
               "trust root `" + trust.header.name.value + "` names several sources of its key")
        .help = "keep one of `generated`, `secret` and `vault`";
  }
  trust.span = trust.header.span;
  program.trusts.push_back(std::move(trust));
}

}  // namespace weft::dsl
