"""Certificates made by the openssl program, as the guides make them."""

import os
import subprocess


def _run(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Certificate:
    def __init__(self, directory, name):
        self.cert = os.path.join(directory, name + ".crt")
        self.key = os.path.join(directory, name + ".key")

    def read(self):
        with open(self.cert, "rb") as file:
            return file.read()

    def read_key(self):
        with open(self.key, "rb") as file:
            return file.read()


def self_signed(directory, common_name="grpc.example.com", name="server", days=365, san=None):
    """The guide's certificate: it signs itself and, unless `san` is given, names itself only in its subject."""
    made = Certificate(directory, name)
    extra = ["-addext", f"subjectAltName={san}"] if san else []
    _run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", made.key, "-out", made.cert, "-days", str(days),
         "-subj", f"/CN={common_name}", *extra)
    return made


def signed_by(authority, directory, common_name, name, days=365):
    """A certificate signed by `authority`. Negative `days`: it has already expired."""
    made = Certificate(directory, name)
    request = os.path.join(directory, name + ".csr")
    _run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", made.key, "-out", request, "-subj", f"/CN={common_name}")
    _run("x509", "-req", "-in", request, "-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial",
         "-out", made.cert, "-days", str(days))
    return made
