"""A TLS server that speaks just enough HTTP/2 to hear what a client says first."""

import socket
import ssl
import threading

from waiting import eventually

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"  # an empty SETTINGS frame


class Http2Ear:
    """Accepts one connection at `target`; `heard` grows by what the client sends."""

    def __init__(self, certificate):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.cert, certificate.key)
        self._context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.heard = b""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            with self._listener, self._context.wrap_socket(self._listener.accept()[0], server_side=True) as client:
                client.sendall(SETTINGS)
                while data := client.recv(65536):
                    self.heard += data
        except OSError:
            pass  # the client has left

    def wait_for(self, data):
        eventually(lambda: data in self.heard, f"{data!r} heard")


def authority_field(name):
    """:authority in HPACK as gRPC core writes it: name and value in plain text."""
    return b":authority" + bytes([len(name)]) + name.encode()
