"""Listeners that are no gRPC servers: one that never answers, one that speaks HTTP/1.1, one whose backlog is full."""

import socket
import struct
import threading

from waiting import eventually


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
        eventually(self._is_full, "a full queue")

    def _is_full(self):
        """The callers' connections arrive on the kernel's time; before the first is in the queue another would get in."""
        waiting, limit = struct.unpack_from("=II", self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32), 24)
        return waiting > limit

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in [self._socket, *self._callers]:
            each.close()


HTTP_1 = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
