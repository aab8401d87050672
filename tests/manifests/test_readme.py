"""k8s/README.md: its files are there, its commands are taken, and the overlay it shows can be rendered."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from manifests import K8S, container, kustomize, names, parsed, rendered
from programs import binary
from test_fit import PATIENCE_SECONDS, ROOT, help_flags

with open(os.path.join(K8S, "README.md"), encoding="utf-8") as file:
    TEXT = file.read()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


class ReadmeTest(unittest.TestCase):
    def test_every_component_and_overlay_is_in_the_table(self):
        for folder in ("components", "overlays"):
            for name in names(folder):
                self.assertIn(f"`{folder}/{name}`", TEXT)

    def test_the_files_it_names_are_there(self):
        named = set(re.findall(r"(?:k8s/)?((?:base|components|overlays)/[\w./-]*\w)", TEXT)) - {
            "overlays/mine", "overlays/mine/kustomization.yaml"}
        self.assertGreater(len(named), 20)
        for path in sorted(named):
            self.assertTrue(os.path.exists(os.path.join(K8S, path)), path)

    def test_links_lead_to_headings(self):
        headings = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                    for title in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
        links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
        self.assertGreater(len(links), 8)
        self.assertEqual(links - headings, set())

    def test_both_systems_are_drawn(self):
        self.assertEqual(len(blocks("mermaid")), 2)

    def test_the_shell_can_read_its_commands(self):
        for block in blocks("sh"):
            done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, timeout=PATIENCE_SECONDS,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), block)

    def test_lgen_takes_the_flags(self):
        commands = re.findall(r"(?:^|`|\| )lgen ((?:plans/\w+\.lua|call|hpa simulate|analyze logs)[^`]*?)(?:`|$)",
                              TEXT.replace("\\\n", ""), re.MULTILINE)
        self.assertGreater(len(commands), 4)
        for command in commands:
            words = command.split()
            name = words[:2] if words[0] in ("hpa", "analyze") else words[:1]
            known = help_flags(binary("lgen"), *name, "--help")
            text = subprocess.run([binary("lgen"), *name, "--help"], text=True, capture_output=True, cwd=ROOT, check=True,
                                  timeout=PATIENCE_SECONDS).stdout
            for flag in re.findall(r"(?<!\S)(--[\w-]+)", command):
                self.assertTrue(flag in known or f"also {flag})" in text, f"lgen {command}: {flag}")

    def test_the_flags_of_the_server_exist(self):
        known = help_flags(binary("lgen-server"), "--help")
        for flag in ("--max-connection-age", "--max-connection-age-grace", "--shutdown-grace", "--grpc-dial"):
            self.assertIn(flag, TEXT)
            self.assertIn(flag, known)

    def test_the_overlay_of_ones_own_can_be_rendered(self):
        shown, = (block for block in blocks("yaml") if "overlays/mine" in block)
        with tempfile.TemporaryDirectory(prefix="lgen-readme-") as folder:
            copy = shutil.copytree(K8S, os.path.join(folder, "k8s"))
            mine = os.path.join(copy, "overlays", "mine")
            os.mkdir(mine)
            with open(os.path.join(mine, "kustomization.yaml"), "w", encoding="utf-8") as out:
                out.write(shown)
            things = parsed(kustomize(mine))
        self.assertIn("--streams=300", container(things, "Job", "lgen-loadgen")["args"])
        self.assertIn("--max-connection-age=30s", container(things, "Deployment", "lgen-server")["args"])


    def test_a_pipeline_takes_the_live_page_out(self):
        args = container(rendered("base"), "Job", "lgen-loadgen")["args"]
        index = re.search(r"`path: /spec/template/spec/containers/0/args/(\d+)`", TEXT)[1]
        self.assertTrue(args[int(index)].startswith("--out=dashboard="), args[int(index)])

    def test_the_placeholders_it_replaces_are_there(self):
        replaced = re.findall(r'^sed -i "([^"]+)" (\S+)', TEXT, re.MULTILINE)
        self.assertEqual(len(replaced), 2)
        for script, path in replaced:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = file.read()
            for old in re.findall(r"s\|([^|]+)\|", script):
                self.assertIn(old, text)


if __name__ == "__main__":
    unittest.main()
