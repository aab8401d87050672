"""A TCP relay that counts what goes through it."""

import socket
import threading


def dial(target):
    host, port = target.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


class Relay:
    """Passes every connection to its `target` on to `server`; `sent` and `received` are bytes as the client sees them."""

    def __init__(self, server):
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.sent = self.received = 0
        self._threads = []
        self._clients = []
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """For after the client's end: waits until the last byte has been counted."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:  # which start others at the list's end
            thread.join()
        for client in self._clients:
            client.close()

    def _start(self, run, *arguments):
        self._threads.append(threading.Thread(target=run, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._clients.append(client)
            self._start(self._serve, client)

    def cut(self):
        """Ends every connection so far, without a word."""
        for client in self._clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended

    def _serve(self, client):
        self._join(client, dial(self._server))

    def _join(self, client, server):
        self._start(self._pass, server, client, "received")
        self._pass(client, server, "sent")

    def _pass(self, source, sink, name):
        try:
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + len(data))
                sink.sendall(data)
        except OSError:
            pass  # the other side has left
        finally:
            for each in (source, sink):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
