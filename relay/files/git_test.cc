#include "relay/files/git.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "relay/files/files.h"
#include "relay/process/policy_source.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

class Git : public testing::Test {
 protected:
  Git() : path_(testing::TempDir() + "/weft-git-" + std::to_string(::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_ + "/checkout/policies/inventory");
    Run("git init -q -b main . && git config user.email a@b && git config user.name n");
    Put("policies/a.weft", "workspace a\n");
    Put("policies/notes.txt", "no policy");
    Put("policies/.hidden.weft", "no policy");
    Commit("first");
  }
  ~Git() override { fs::remove_all(path_); }
  void Put(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteDurably(path_ + "/checkout/" + name, text, 0644).ok());
  }
  void Run(const std::string& command) const {
    ASSERT_EQ(
        std::system(("cd '" + path_ + "/checkout' && { " + command + "; } >/dev/null").c_str()), 0)
        << command;
  }
  void Commit(const std::string& message) const {
    Run("git add -A && git commit -q -m '" + message + "'");
  }
  [[nodiscard]] Result<GitTree> Export(const std::string& ref) const {
    return ExportTree({path_ + "/checkout", ref}, path_ + "/scratch");
  }
  const std::string path_;
};

std::string Read(const std::string& path) {
  Result<std::string> text = ReadWhole(path);
  return text.ok() ? std::move(text).value() : "missing";
}

TEST_F(Git, ARefIsReadWithoutItsWorkingCopy) {
  Run("git tag -a v1 -m v1");
  Put("policies/a.weft", "not committed");
  for (const char* ref : {"main", "v1", "HEAD", "refs/heads/main"}) {
    const Result<GitTree> tree = Export(ref);
    ASSERT_TRUE(tree.ok()) << tree.error();
    EXPECT_EQ(Read(tree.value().directory + "/policies/a.weft"), "workspace a\n") << ref;
    EXPECT_EQ(tree.value().revision.size(), 40U);
    EXPECT_FALSE(fs::exists(tree.value().directory + "/policies/notes.txt"));
    EXPECT_FALSE(fs::exists(tree.value().directory + "/policies/.hidden.weft"));
  }
}

TEST_F(Git, AFolderOfABareRepositoryIsRead) {
  Run("git clone -q --bare . ../bare.git");
  const Result<GitTree> tree = ExportTree({path_ + "/bare.git", "main:policies"}, path_ + "/s");
  ASSERT_TRUE(tree.ok()) << tree.error();
  EXPECT_EQ(Read(tree.value().directory + "/a.weft"), "workspace a\n");
}

TEST_F(Git, WhatCannotBeReadIsSaid) {
  EXPECT_NE(Export("gone").error().find("has no `gone`"), std::string::npos);
  const Result<GitTree> nowhere = ExportTree({path_ + "/nowhere", "main"}, path_ + "/s");
  EXPECT_NE(nowhere.error().find("is no git repository"), std::string::npos);
  // A folder inside of a repository is not answered by the repository around it.
  EXPECT_FALSE(ExportTree({path_ + "/checkout/policies", "main"}, path_ + "/s").ok());
  EXPECT_NE(Export("main:policies/a.weft").error().find("neither a commit nor a directory"),
            std::string::npos);
  Run("ln -s /etc/hostname policies/link.weft");
  Commit("link");
  EXPECT_NE(Export("main").error().find("symbolic link"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(path_ + "/scratch"));
}

TEST_F(Git, RepositoryAndRefAreToldApart) {
  const Result<GitRef> ref = ParseGitRef("/srv/a@b/policy.git@release/1.2");
  ASSERT_TRUE(ref.ok());
  EXPECT_EQ(ref.value().repository, "/srv/a@b/policy.git");
  EXPECT_EQ(ref.value().ref, "release/1.2");
  EXPECT_TRUE(ParseGitRef("repo@main:policies/east").ok());
  for (const char* bad :
       {"repo", "@main", "repo@", "https://host/r.git@main", "ssh://git@host/r"}) {
    EXPECT_FALSE(ParseGitRef(bad).ok()) << bad;
  }
}

TEST_F(Git, APolicyFollowsItsRefAndABrokenOneIsNoEdit) {
  Result<std::unique_ptr<PolicySource>> opened =
      OpenPolicy(path_ + "/checkout@main", path_ + "/scratch");
  ASSERT_TRUE(opened.ok()) << opened.error();
  PolicySource& source = *opened.value();
  const Result<PolicyRevision> first = source.Read();
  ASSERT_TRUE(first.ok()) << first.error();
  Put("policies/notes.txt", "other");
  Commit("nothing of policy");
  const Result<PolicyRevision> same = source.Read();
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same.value().digest, first.value().digest);
  EXPECT_NE(same.value().revision, first.value().revision);
  Put("policies/a.weft", "workspace b\n");
  Commit("second");
  const Result<PolicyRevision> second = source.Read();
  ASSERT_TRUE(second.ok());
  EXPECT_NE(second.value().digest, first.value().digest);
  EXPECT_EQ(Read(second.value().directory + "/policies/a.weft"), "workspace b\n");
  Run("git rm -q policies/a.weft");
  Commit("emptied");
  EXPECT_FALSE(source.Read().ok());
  Run("git branch -m main away");
  EXPECT_FALSE(source.Read().ok());
  Run("git branch -m away main && git reset -q --hard HEAD~1");
  const Result<PolicyRevision> back = source.Read();
  ASSERT_TRUE(back.ok()) << back.error();
  EXPECT_EQ(back.value().digest, second.value().digest);
}

}  // namespace
}  // namespace weft::relay
