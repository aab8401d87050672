"""The images: what `./dev image` asks a builder to do, and that the Dockerfile fits the manifests and the programs."""

import os
import re
import subprocess
import tempfile
import unittest

import checks
from manifests import K8S, PATIENCE_SECONDS, rendered
from programs import binary

ROOT = os.path.dirname(K8S)

# A builder that notes what it is asked.
BUILDER = """#!/bin/sh
echo "$(basename "$0") $*" >> "$NOTES"
case "$*" in *"${FAILS:-nothing}"*) echo "no space left" >&2; exit 7 ;; esac
"""


def stages():
    """{name: [(instruction, rest), …]} of the Dockerfile."""
    with open(os.path.join(K8S, "Dockerfile"), encoding="utf-8") as file:
        text = re.sub(r"\\\n", " ", "".join(line for line in file if not line.startswith("#")))
    found = {}
    for instruction, rest in re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE):
        if instruction == "FROM":
            found[rest.split(" AS ")[1]] = lines = []
        lines.append((instruction, rest))
    return found


def value(stage, instruction):
    return [rest for name, rest in stages()[stage] if name == instruction][-1]


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="lgen-image-"))
        self.notes = os.path.join(self.folder, "notes")
        # The tools of the script itself, and no real builder.
        for tool in ("bash", "env", "dirname", "readlink", "nproc", "basename", "cat"):
            os.symlink(f"/usr/bin/{tool}", os.path.join(self.folder, tool))

    def builder(self, name):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(BUILDER)
        os.chmod(path, 0o755)

    def image(self, *words, **env):
        done = subprocess.run([os.path.join(ROOT, "dev"), "image", *words], text=True, capture_output=True, check=False,
                              timeout=PATIENCE_SECONDS, env={"PATH": self.folder, "NOTES": self.notes, **env})
        try:
            with open(self.notes, encoding="utf-8") as file:
                return done, file.read().splitlines()
        except FileNotFoundError:
            return done, []

    def test_it_builds_both_images(self):
        self.builder("docker")
        done, asked = self.image()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(asked, ["docker build --file k8s/Dockerfile --target server --tag lgen-server:dev .",
                                 "docker build --file k8s/Dockerfile --target lgen --tag lgen:dev ."])

    def test_it_pushes_under_a_tag_with_podman(self):
        self.builder("podman")
        _, asked = self.image("--tag", "0.1", "--push", "reg.example.com/team/")
        self.assertEqual(asked, ["podman build --file k8s/Dockerfile --target server --tag lgen-server:0.1 .",
                                 "podman tag lgen-server:0.1 reg.example.com/team/lgen-server:0.1",
                                 "podman push reg.example.com/team/lgen-server:0.1",
                                 "podman build --file k8s/Dockerfile --target lgen --tag lgen:0.1 .",
                                 "podman tag lgen:0.1 reg.example.com/team/lgen:0.1",
                                 "podman push reg.example.com/team/lgen:0.1"])

    def test_what_goes_wrong_is_said(self):
        done, _ = self.image()
        self.assertEqual((done.returncode, done.stderr), (1, "./dev: image: there is neither docker nor podman to build with\n"))
        self.builder("docker")
        for words, why in ((("--tag",), "image: --tag needs a value"), (("--tagg", "x"), "image: '--tagg' is neither")):
            done, asked = self.image(*words)
            self.assertEqual((done.returncode, asked), (1, []))
            self.assertIn(why, done.stderr)
        done, asked = self.image(FAILS="--target server")
        self.assertEqual((done.returncode, len(asked)), (7, 1))


class DockerfileTest(unittest.TestCase):
    def test_it_runs_as_the_manifests_say(self):
        for workload in checks.workloads(rendered("overlays/gke")):
            image = checks.program(checks.containers(workload)[0])
            stage = image.removeprefix("lgen-")
            self.assertEqual(value(stage, "ENTRYPOINT"), f'["/usr/local/bin/{image}"]')
            security = checks.pod_spec(workload)["securityContext"]
            self.assertEqual(value(stage, "USER"), f"{security['runAsUser']}:{security['runAsGroup']}")

    def test_what_it_copies_is_there(self):
        for stage, lines in stages().items():
            for instruction, rest in lines:
                if instruction == "COPY" and "--from" not in rest:
                    self.assertTrue(os.path.exists(os.path.join(ROOT, rest.split()[0])), f"{stage}: {rest}")
                elif instruction == "COPY":
                    source = rest.split()[1].removeprefix("/src/")
                    made = source.startswith("build/release/bin/") or source.endswith(".packages")
                    self.assertTrue(made or os.path.exists(os.path.join(ROOT, source)), rest)

    def test_the_plans_are_where_the_job_looks_for_them(self):
        copied = [rest for name, rest in stages()["lgen"] if name == "COPY"]
        self.assertIn(f"--from=build /src/plans {value('lgen', 'WORKDIR')}/plans", copied)

    def test_the_libraries_of_a_program_are_found(self):
        for program, needs in (("lgen-server", {"libgrpc++1.51", "libcivetweb1", "libc6", "libstdc++6"}),
                               ("lgen", {"libgrpc++1.51", "libluajit-5.1-2", "libnghttp2-14", "libc6"})):
            done = subprocess.run([os.path.join(K8S, "packages_of"), binary(program)], text=True, capture_output=True,
                                  timeout=PATIENCE_SECONDS, check=True)
            found = set(done.stdout.split())
            self.assertEqual(needs - found, set())
            libraries = subprocess.run(["ldd", binary(program)], text=True, capture_output=True, check=True,
                                       timeout=PATIENCE_SECONDS).stdout
            listing = subprocess.run(["dpkg", "-L", *found], text=True, capture_output=True, check=True,
                                     timeout=PATIENCE_SECONDS).stdout
            missing = [name for name in re.findall(r"^\s*(\S+) => ", libraries, re.MULTILINE) if f"/{name}\n" not in listing]
            self.assertEqual(missing, [], "no package was named for these")


if __name__ == "__main__":
    unittest.main()
