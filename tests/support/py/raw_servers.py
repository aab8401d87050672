"""Listeners that are no gRPC servers: one that never answers, one that speaks HTTP/1.1, one whose backlog is full, a web
server that speaks HTTP/2."""

import socket
import threading


class Listener:
    """A TCP port on loopback that answers every connection with `reply` once it has been spoken to, and closes it;
    without a reply it holds the connection and says nothing."""

    def __init__(self, reply=None):
        self._reply = reply
        self._held = []
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.target = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def connections(self):
        """So many have been accepted."""
        return len(self._held)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._held:
            connection.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._held.append(connection)
            if self._reply is not None:
                connection.recv(65536)
                connection.sendall(self._reply)
                connection.close()


class FullBacklog:
    """A port whose queue of connections is full: a further SYN is never answered."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(0)
        address = self._socket.getsockname()
        self.target = f"127.0.0.1:{address[1]}"
        self._callers = [socket.socket() for _ in range(4)]
        for caller in self._callers:
            caller.setblocking(False)
            caller.connect_ex(address)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self._socket, *self._callers]:
            each.close()


HTTP_1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def _frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Http2WebServer:
    """Answers every HTTP/2 request in plaintext with 404 and a page of HTML."""

    _DATA, _HEADERS, _SETTINGS = 0, 1, 4
    _PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    # HPACK: ":status: 404" has an index of its own, 13; "content-type" is name 31, its value is spelt out.
    _NOT_FOUND = b"\x8d\x0f\x10\x09text/html"

    def __init__(self, page):
        self._page = page
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self._talk(connection, stream)

    def _talk(self, connection, stream):
        """Until the client leaves."""
        try:
            stream.read(len(self._PREFACE))
            connection.sendall(_frame(self._SETTINGS, 0, 0))
            while len(head := stream.read(9)) == 9:
                kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
                stream.read(int.from_bytes(head[:3], "big"))
                if kind == self._SETTINGS and not flags & 1:
                    connection.sendall(_frame(self._SETTINGS, 1, 0))
                elif kind == self._HEADERS:
                    connection.sendall(_frame(self._HEADERS, 4, number, self._NOT_FOUND) +
                                       _frame(self._DATA, 1, number, self._page))
        except OSError:
            pass
