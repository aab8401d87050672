"""Python modules of the bundled .proto files, made by protoc when first asked for."""

import atexit
import importlib
import os
import shutil
import subprocess
import sys
import tempfile

PROTO_DIR = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "proto"))
_generated = None


def _generate():
    global _generated
    _generated = tempfile.mkdtemp(prefix="lgen-protos-")
    atexit.register(shutil.rmtree, _generated, True)
    files = sorted(name for name in os.listdir(PROTO_DIR) if name.endswith(".proto"))
    subprocess.run(["protoc", f"--proto_path={PROTO_DIR}", f"--python_out={_generated}", *files], check=True)
    sys.path.insert(0, _generated)


def messages(name):
    """The module of proto/<name>.proto, e.g. messages("streaming").TextRequest."""
    if _generated is None:
        _generate()
    return importlib.import_module(name + "_pb2")
