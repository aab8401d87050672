"""`lgen completion` in the shells it is for, and the manual as groff sees it."""

import os
import re
import subprocess

from lgen_runs import LgenCase, clean_environment
from programs import binary
from waiting import PATIENCE_SECONDS

COMMANDS = ["run", "check", "bench", "new", "types", "list", "describe", "call", "report", "diff", "analyze", "hpa", "completion", "ctl", "man",
            "version", "help"]


def options_of(text):
    """{("bench", "proto")}: the options in a command's --help."""
    return set(re.findall(r"^  (?:-\w, )?-{1,2}([A-Za-z][\w-]+)", text, re.MULTILINE)) - {"help"}


class ShellCase(LgenCase):
    def setUp(self):
        super().setUp()
        for shell in ("bash", "zsh", "fish"):
            self.check(self.run_words("completion", shell, "-o", f"lgen.{shell}"), 0)

    def ask(self, *command):
        environment = clean_environment({"HOME": self.folder, "LC_ALL": "C.UTF-8",
                                         "PATH": os.path.dirname(binary("lgen")) + ":" + os.environ["PATH"]})
        done = subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def script(self, shell):
        with open(self.path(f"lgen.{shell}"), encoding="utf-8") as file:
            return file.read()

    def check_rows(self, complete):
        """What every shell must offer; `complete` gives the set of words for a line."""
        self.plan('lgen.options { { "hold", "duration", default = "1s" } }')
        os.makedirs(self.path("protos"))
        self.write("a b.proto", "")
        rows = [
            ("lgen be", {"bench"}, {"check"}),
            ("lgen ", {"plan.lua", *COMMANDS}, {"--seed"}),
            ("lgen bench --pr", {"--proto", "--protoset", "--print-plan", "--proxy", "--precise"}, {"--total"}),
            ("lgen bench --format ", {"summary", "json"}, {"plan.lua"}),
            ("lgen bench -O j", {"json"}, {"summary"}),
            ("lgen check plan.lua --validity ", {"fail", "warn"}, set()),
            ("lgen plan.lua --target localhost:1 --se", {"--seed", "--server-name"}, {"--proto"}),
            ("lgen plan.lua --ca p", {"plan.lua"}, set()),
            ("lgen help ana", {"analyze"}, set()),
            ("lgen completion z", {"zsh"}, {"bash"}),
            ("lgen report pl", {"plan.lua"}, set()),
            ("lgen call -prot", {"-proto", "-protoset"}, set()),
            ("lgen call --form", {"--format", "--format-error"}, {"-format"}),
            ("lgen call --emit", {"--emit-defaults"}, set()),
            ("lgen describe --msg", {"--msg-template"}, set()),
            ("lgen list --proto", {"--proto", "--protoset"}, set()),
            ("lgen call --format ", {"json", "text"}, set()),
            ("lgen plan.lua --ho", {"--hold"}, set()),
            ("lgen run plan.lua --ho", {"--hold"}, set()),
            ("lgen bench --protoset p", {"plan.lua"}, {"bench"}),
            ("lgen bench -i ", {"protos"}, {"plan.lua"}),
            ("lgen bench ", set(), {"plan.lua"}),
            ("lgen help ", {"analyze"}, {"plan.lua"}),
            ("lgen help bench ", set(), {"analyze", "plan.lua"}),
            ("lgen help bench --fo", set(), {"--format"}),
            ("lgen new --se", {"--server-name"}, {"--seed"}),
            ("lgen --out j", {"json="}, set()),
            ("lgen report --out ", {"json=", "junit="}, {"prometheus=", "dashboard="}),
            ("lgen bench --lb-strategy ", {"pick_first", "round_robin"}, set()),
            ("lgen plan.lua --transport ", {"grpc", "h2"}, set()),
            ("lgen call -transport ", {"grpc", "h2"}, set()),
            ("lgen ctl ", {"status", "pause", "resume", "scale", "stop"}, {"plan.lua"}),
        ]
        for line, wanted, unwanted in rows:
            with self.subTest(line):
                offered = {word.rstrip("/") for word in complete(line)}
                self.assertEqual(wanted - offered, set(), offered)
                self.assertEqual(unwanted & offered, set(), offered)


class BashTest(ShellCase):
    def complete(self, line):
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        out = self.ask("bash", "--norc", "-c", f"source <(lgen completion bash); COMP_WORDS=({quoted}); "
                       f'COMP_CWORD={len(words) - 1}; _lgen; printf "%s\\n" "${{COMPREPLY[@]}}"')
        return set(out.split("\n")) - {""}

    def test_it_completes(self):
        self.check_rows(self.complete)

    def test_the_first_word_is_a_command_or_a_plan(self):
        self.plan()
        self.assertEqual(self.complete("lgen "), {"plan.lua", *COMMANDS})

    def test_a_plans_own_options(self):
        self.plan('lgen.options { { "hold", "duration", default = "1s" } }')
        self.assertEqual(self.complete("lgen plan.lua --ho"), {"--hold"})

    def test_words_that_bash_takes_apart(self):
        self.assertEqual(self.complete("lgen bench --format = j"), {"json"})
        self.assertEqual(self.complete("lgen bench --format ="), {"summary", "json", "pretty"})
        self.assertEqual(self.complete("lgen bench -i pro"), set())
        os.makedirs(self.path("protos"))
        self.assertEqual(self.complete("lgen bench -i pro"), {"protos"})

    def test_names_with_spaces_stay_whole(self):
        self.write("a b.proto", "")
        self.assertEqual(self.complete("lgen bench --proto a"), {"a b.proto"})
        self.assertEqual(self.complete("lgen bench --proto = a"), {"a b.proto"})
        self.assertEqual(self.complete("lgen types a"), {"a b.proto"})

    def test_it_is_registered(self):
        self.assertIn("-F _lgen lgen", self.ask("bash", "--norc", "-c", "source lgen.bash; complete -p lgen"))


class FishTest(ShellCase):
    def test_values_behind_an_equals_sign(self):
        self.plan()
        self.assertEqual(self.complete("lgen bench --format=j"), {"--format=json"})
        self.assertEqual(self.complete("lgen bench --proto=pl"), {"--proto=plan.lua"})

    def complete(self, line):
        out = self.ask("fish", "--no-config", "-c", f"source lgen.fish; complete -C '{line}'")
        return {row.split("\t")[0] for row in out.splitlines()}

    def test_it_completes(self):
        self.check_rows(self.complete)


class ZshTest(ShellCase):
    # A completion needs a terminal: zsh types the line in another zsh, and Ctrl-D lists what there is. Nothing is typed
    # before that one's line editor has said that it listens: until then Ctrl-D would end it.
    SESSION = r"""
zmodload zsh/zpty
zpty session zsh -f -i
until_seen() { local text all; while zpty -r session text; do all+=$text; [[ $all == *$1* ]] && break; done; print -r -- "$all" }
zpty -w session "PS1= PROMPT= ; stty columns 300; autoload -Uz compinit; compinit -u -D; source ./lgen.zsh; LISTMAX=0"
zpty -w session "zstyle ':completion:*' verbose no; setopt no_beep; bindkey '^D' list-choices"
zpty -w session "zle-line-init() { print 'liste''ning' }; zle -N zle-line-init"
until_seen listening >/dev/null
zpty -n -w session "LINE"$'\x04'
zpty -n -w session $'\x15'"print fin''ished"$'\n'
until_seen finished
"""

    def complete(self, line):
        self.write("session.zsh", self.SESSION.replace("LINE", line))
        return set(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", " ", self.ask("zsh", "-f", "session.zsh")).split())

    def test_it_completes(self):
        self.plan('lgen.options { { "hold", "duration", default = "1s" }, { "hour", "int" } }')
        for line, wanted in [
                ("lgen plan.lua --ho", {"--hold", "--hour"}), ("lgen run plan.lua --ho", {"--hold", "--hour"}),
                ("lgen bench --format=", {"summary", "json"}), ("lgen bench --proto=pla", {"plan.lua"}),
                ("lgen --out j", {"json="}), ("lgen --out json=pla", {"plan.lua"}),
                ("lgen bench --p", {"--proto", "--protoset", "--print-plan", "--plaintext"}),
                ("lgen bench --format ", {"summary", "json"}), ("lgen help ", {"analyze", "bench"}),
                ("lgen plan.lua --se", {"--seed", "--server-name"}), ("lgen call --format ", {"json", "text"}),
                ("lgen call -format ", {"json", "text"}), ("lgen bench --lb-strategy ", {"pick_first", "round_robin"}),
                ("lgen plan.lua --transport ", {"grpc", "h2"}), ("lgen ctl ", {"status", "pause", "stop"})]:
            with self.subTest(line):
                offered = self.complete(line)
                self.assertEqual(wanted - offered, set(), offered)

    def test_it_is_sound(self):
        self.ask("zsh", "-f", "-n", "lgen.zsh")


class TablesTest(ShellCase):
    def test_every_option_of_every_command_is_in_every_script_and_in_the_manual(self):
        texts = {shell: self.script(shell) for shell in ("bash", "zsh", "fish")}
        texts["man"] = self.run_words("man").out.replace("\\-", "-")
        for command in COMMANDS:
            options = options_of(self.run_words(command, "--help").out)
            for name, text in texts.items():
                self.assertIn(command, text)
                for option in options:
                    self.assertRegex(text, rf"(-l |-o |-){option}\b", f"{command} --{option} in {name}")

    def test_what_lgen_refuses(self):
        for words in ([], ["tcsh"], ["bash", "zsh"]):
            self.check(self.run_words("completion", *words), 104,
                       "completion: for which shell? lgen completion bash|zsh|fish")
        self.check(self.run_words("man", "--output", "/no/such"), 113, "cannot write /no/such")


class ManualTest(ShellCase):
    def test_groff_has_nothing_to_complain_about(self):
        self.check(self.run_words("man", "-o", "lgen.1"), 0)
        for width in (60, 80, 120):
            page = self.ask("groff", "-man", "-Tutf8", "-ww", f"-rLL={width}n", "-P-cbou", "lgen.1")
            self.assertLessEqual(max(map(len, page.splitlines())), max(width, 80))
            self.assertNotIn("\u2010\n", page)  # no name is broken
        for heading in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS OF THE ENGINE", "EXIT STATUS", "ENVIRONMENT"):
            self.assertRegex(page, rf"(?m)^{heading}$")
        for command in COMMANDS:
            self.assertIn(f"lgen {command}", page)
        self.assertRegex(page, r"LGEN\(1\) +User Commands +LGEN\(1\)")
        self.assertIn("--stream-call-count N", page)
        with open(self.path("lgen.1"), encoding="utf-8") as file:
            self.assertLessEqual(max(map(len, file)), 120)
