"""Python modules of the bundled .proto files, made by protoc when first asked for."""

import importlib
import os
import subprocess
import sys
import tempfile

_REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROTO_DIR = os.path.join(_REPOSITORY, "proto")
PEERS_DIR = os.path.join(_REPOSITORY, "tests", "peers")
_loaded = set()


def _load(directory):
    """Imports all of it at once: the folder is gone however the process ends."""
    files = sorted(name for name in os.listdir(directory) if name.endswith(".proto"))
    with tempfile.TemporaryDirectory(prefix="lgen-protos-") as output:
        subprocess.run(["protoc", f"--proto_path={directory}", f"--python_out={output}", *files], check=True)
        sys.path.insert(0, output)
        for name in files:
            importlib.import_module(name.removesuffix(".proto") + "_pb2")
        sys.path.remove(output)
    _loaded.add(directory)


def messages(name, directory=PROTO_DIR):
    """The module of <directory>/<name>.proto, e.g. messages("streaming").TextRequest."""
    if directory not in _loaded:
        _load(directory)
    return importlib.import_module(name + "_pb2")
