"""Python modules of the bundled .proto files, made by protoc when first asked for."""

import atexit
import importlib
import os
import shutil
import subprocess
import sys
import tempfile

_REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROTO_DIR = os.path.join(_REPOSITORY, "proto")
PEERS_DIR = os.path.join(_REPOSITORY, "tests", "peers")
_generated = set()


def _generate(directory):
    output = tempfile.mkdtemp(prefix="lgen-protos-")
    atexit.register(shutil.rmtree, output, True)
    files = sorted(name for name in os.listdir(directory) if name.endswith(".proto"))
    subprocess.run(["protoc", f"--proto_path={directory}", f"--python_out={output}", *files], check=True)
    sys.path.insert(0, output)
    _generated.add(directory)


def messages(name, directory=PROTO_DIR):
    """The module of <directory>/<name>.proto, e.g. messages("streaming").TextRequest."""
    if directory not in _generated:
        _generate(directory)
    return importlib.import_module(name + "_pb2")
