"""Builds the consumer against lgen as installed (CMake package and pkg-config) and as a subdirectory, and runs it."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from programs import Server

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
CONSUMER = os.path.join(HERE, "consumer")
BUILD = os.environ["LGEN_BUILD_DIR"]
CMAKE = os.environ.get("CMAKE", "cmake")
COMPILER = os.environ.get("CXX", "g++")

# Answers of the build under test that the subdirectory's build repeats, so that ccache knows its objects already.
REPEATED = ("CMAKE_BUILD_TYPE", "CMAKE_CXX_FLAGS", "CMAKE_CXX_FLAGS_DEBUG", "CMAKE_CXX_FLAGS_RELEASE",
            "CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER")


def run(*command, **options):
    """The output of a command that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def repeated_answers():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
        answers = dict(re.findall(r"^(\w+):\w+=(.*)$", cache.read(), re.MULTILINE))
    return [f"-D{name}={answers[name]}" for name in REPEATED if answers.get(name)]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="lgen-package-")
        cls.addClassCleanup(shutil.rmtree, cls.work)
        first = os.path.join(cls.work, "first")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        # An installed lgen works from wherever it is moved to.
        cls.prefix = os.path.join(cls.work, "moved")
        os.rename(first, cls.prefix)
        cls.server = cls.enterClassContext(Server())

    def build(self, name, *arguments):
        """Configures and builds the consumer in a folder of its own; returns that folder."""
        build = os.path.join(self.work, name)
        run(CMAKE, "-S", CONSUMER, "-B", build, "-G", "Ninja", *arguments)
        run(CMAKE, "--build", build)
        return build

    def expect_answers(self, consumer):
        before = self.hello_calls()
        report = run(consumer, self.server.target)
        self.assertIn("SayHello", report)
        self.assertEqual(self.hello_calls() - before, 100)

    def hello_calls(self):
        return sum(value for name, value in self.server.metrics().items()
                   if name.startswith("grpc_server_call_started_total") and "SayHello" in name)

    def test_an_installed_lgen_is_found_by_find_package(self):
        build = self.build("found", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.expect_answers(os.path.join(build, "consumer"))
        self.assertIn("---@meta", run(os.path.join(build, "plan_api")))

    def test_an_installed_lgen_is_found_by_pkg_config(self):
        folders = [where for where, _, files in os.walk(self.prefix) if "lgen.pc" in files]
        environment = dict(os.environ, PKG_CONFIG_PATH=folders[0])
        for package, source in (("lgen", "main.cc"), ("lgen-lua", "plan_api.cc")):
            flags = run("pkg-config", "--static", "--cflags", "--libs", package, env=environment).split()
            program = os.path.join(self.work, source + ".program")
            run(COMPILER, "-std=c++20", os.path.join(CONSUMER, source), "-o", program, *flags)
        self.expect_answers(os.path.join(self.work, "main.cc.program"))
        self.assertIn("---@meta", run(program))

    def test_lgen_is_a_subdirectory_of_another_project(self):
        build = self.build("subdirectory", f"-DLGEN_SOURCE_DIR={SOURCE}", *repeated_answers())
        self.expect_answers(os.path.join(build, "consumer"))

    def test_the_installed_tree_holds_what_a_user_looks_for(self):
        for program in ("lgen", "lgen-server", "lgen-cluster"):
            self.assertIn("--", run(os.path.join(self.prefix, "bin", program), "--help"))
        plans = os.listdir(os.path.join(self.prefix, "share/lgen/plans"))
        self.assertTrue({"multi_channel.lua", "hello.lua", "unary.lua", "chat.lua"} <= set(plans), plans)
        with open(os.path.join(self.prefix, "share/lgen/schema/summary.schema.json"), encoding="utf-8") as schema:
            self.assertIn("lgen.summary/1", schema.read())
        for shared in ("man/man1/lgen.1", "bash-completion/completions/lgen", "zsh/site-functions/_lgen",
                       "fish/vendor_completions.d/lgen.fish"):
            with open(os.path.join(self.prefix, "share", shared), encoding="utf-8") as text:
                self.assertIn("bench", text.read(), shared)
        run(os.path.join(self.prefix, "bin/lgen"), "check", os.path.join(self.prefix, "share/lgen/plans/hello.lua"))

    def test_no_installed_file_names_the_build_tree(self):
        for where, _, files in os.walk(self.prefix):
            for file in files:
                if file.endswith((".cmake", ".pc", ".h")):
                    with open(os.path.join(where, file), encoding="utf-8") as text:
                        self.assertNotIn(BUILD, text.read(), file)


if __name__ == "__main__":
    unittest.main()
