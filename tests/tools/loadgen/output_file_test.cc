#include "tools/loadgen/report/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/tools/loadgen/sample_runs.h"
#include "tools/loadgen/report/outputs.h"

namespace ringpost::loadgen {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    char name[] = "/tmp/ringpost-output-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

TEST_F(OutputFileTest, AppearsWhenItIsPublished) {
  auto file = OutputFile::open(path("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ(files(), 0) << "whoever is killed now would leave it behind";
  EXPECT_FALSE(file->write("text"));
  EXPECT_FALSE(fs::exists(path("a")));
  EXPECT_FALSE(file->publish());
  EXPECT_EQ(read(path("a")), "text");
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputFileTest, LeavesNothingWhenItIsGivenUp) {
  std::ofstream(path("a")) << "old";
  {
    auto file = OutputFile::open(path("a"));
    ASSERT_TRUE(file);
    EXPECT_FALSE(file->write("new"));
    EXPECT_EQ(files(), 2);
  }
  EXPECT_EQ(read(path("a")), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputFileTest, FollowsALinkAndKeepsIt) {
  std::ofstream(path("real")) << "old";
  fs::create_symlink(path("real"), path("link"));
  auto file = OutputFile::open(path("link"));
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->write("new"));
  EXPECT_FALSE(file->publish());
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read(path("real")), "new");
}

TEST_F(OutputFileTest, APipeIsWrittenDirectly) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::fstream reader(path("pipe"));  // both ends, so that opening does not wait
  auto file = OutputFile::open(path("pipe"));
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->write("text\n"));
  EXPECT_FALSE(file->publish());
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "text");
  EXPECT_EQ(files(), 1);
}

TEST_F(OutputFileTest, WhatCannotBeOpenedIsSaidInOneLine) {
  const auto error = [](const std::string& where) {
    auto file = OutputFile::open(where);
    return file ? std::string("opened") : file.error();
  };
  EXPECT_EQ(error(path("no/a")), "cannot write " + path("no/a") +
                                     ": No such file or directory; create the folder first");
  EXPECT_EQ(error(folder_.string()),
            "cannot write " + folder_.string() + ": Is a directory; name a file in this folder");
  EXPECT_NE(error(""), "opened");
}

// A disk that is full, by the kernel's own stand-in for one.
TEST_F(OutputFileTest, AFullDiskIsSaid) {
  auto file = OutputFile::open("/dev/full");
  ASSERT_TRUE(file);
  EXPECT_EQ(
      file->write("text"),
      "cannot write /dev/full: No space left on device; free some space or choose another disk");
}

TEST_F(OutputFileTest, ALeftOverOfAKilledRunIsSteppedOver) {
  std::ofstream(path((".ringpost-load." + std::to_string(getpid()) + ".0.part").c_str())) << "x";
  auto file = OutputFile::open(path("a"));
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->write("text"));
  EXPECT_FALSE(file->publish());
  EXPECT_EQ(read(path("a")), "text");
}

TEST_F(OutputFileTest, OfSeveralOutputsNoneAppearsIfOneFails) {
  auto outputs = Outputs::open({path("a.json"), path("a.csv"), "/dev/full", ""});
  ASSERT_TRUE(outputs);
  EXPECT_TRUE(outputs->write(empty_run()));
  EXPECT_FALSE(fs::exists(path("a.json")));
  EXPECT_FALSE(fs::exists(path("a.csv")));
}

TEST_F(OutputFileTest, AllOutputsAppear) {
  auto outputs = Outputs::open({path("a.json"), path("a.csv"), path("a.html"), path("a.hgrm")});
  ASSERT_TRUE(outputs);
  EXPECT_FALSE(outputs->write(closed_run()));
  EXPECT_EQ(files(), 4);
  EXPECT_EQ(read(path("a.json")).substr(0, 2), "{\n");
  EXPECT_EQ(read(path("a.html")).substr(0, 15), "<!DOCTYPE html>");
}

}  // namespace
}  // namespace ringpost::loadgen
