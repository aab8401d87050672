"""A TCP relay that counts what goes through it."""

import socket
import threading


class Relay:
    """Passes every connection to `target` on; `sent` and `received` are bytes as the client sees them."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.sent = self.received = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """For after the client's end: waits until the last byte has been counted."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            for source, sink, name in [(client, server, "sent"), (server, client, "received")]:
                self._threads.append(threading.Thread(target=self._pass, args=(source, sink, name), daemon=True))
                self._threads[-1].start()

    def _pass(self, source, sink, name):
        try:
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + len(data))  # one thread writes each
                sink.sendall(data)
        except OSError:
            pass  # the other side has left
        finally:
            for each in (source, sink):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
