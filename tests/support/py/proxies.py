"""nginx and HAProxy between lgen and a server, each with a configuration made for one test."""

import getpass
import os
import tempfile

from programs import Program
from waiting import accepts_connections, eventually, free_ports


class Proxy(Program):
    """A program with a configuration file and one listening port; ready when constructed.

    `configuration` is a text with the words PORT and FOLDER in it.
    """

    def __init__(self, command, configuration):
        self._folder = tempfile.TemporaryDirectory(prefix="lgen-proxy-")
        (self.port,) = free_ports(1)
        self.target = f"127.0.0.1:{self.port}"
        path = os.path.join(self._folder.name, "proxy.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration.replace("PORT", str(self.port)).replace("FOLDER", self._folder.name))
        super().__init__([path if word == "CONFIGURATION" else word.replace("FOLDER", self._folder.name)
                          for word in command])
        try:
            eventually(self._is_up, "a listening proxy")
        except AssertionError as error:
            self.__exit__()
            raise AssertionError(f"{command[0]} is not ready:\n" + "\n".join(self.err.all_until_end())) from error

    def _is_up(self):
        if self.process.poll() is not None:
            raise AssertionError("it has ended")
        return accepts_connections("127.0.0.1", self.port)

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.stop()
        super().__exit__(*exception)
        self._folder.cleanup()


NGINX = """
daemon off;
pid FOLDER/pid;
error_log stderr warn;
worker_processes 1;
USER
events { worker_connections 512; }
http {
  access_log FOLDER/access.log;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  client_max_body_size 0;
  UPSTREAM
  server {
    listen 127.0.0.1:PORT LISTEN;
    server_name localhost;
    SERVER
  }
}
"""


class Nginx(Proxy):
    """`listen` are the words after the port ("http2", "ssl http2"); `server` is what the server block holds."""

    def __init__(self, server, listen="http2", upstream=""):
        # Its workers may read the test's files only as the user who made these.
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        text = NGINX.replace("SERVER", server).replace("LISTEN", listen).replace("UPSTREAM", upstream)
        super().__init__(["/usr/sbin/nginx", "-e", "stderr", "-p", "FOLDER", "-c", "CONFIGURATION"],
                         text.replace("USER", user))

    def access_log(self):
        with open(os.path.join(self._folder.name, "access.log"), encoding="utf-8") as file:
            return file.read().splitlines()


HAPROXY = """
global
  nbthread 1
  tune.h2.max-concurrent-streams 1000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  retries 0
  option http-no-delay
frontend edge
  bind 127.0.0.1:PORT BIND
  default_backend pods
backend pods
  BACKEND
"""


class Haproxy(Proxy):
    """`bind` are the words after the port ("proto h2", "ssl crt FILE alpn h2"), `backend` the backend's lines."""

    def __init__(self, bind, backend):
        super().__init__(["/usr/sbin/haproxy", "-db", "-f", "CONFIGURATION"],
                         HAPROXY.replace("BIND", bind).replace("BACKEND", backend))


def pem_of(certificate):
    """Certificate and key in one file, as HAProxy wants it; beside the two."""
    path = certificate.cert.removesuffix(".crt") + ".pem"
    with open(path, "wb") as file:
        file.write(certificate.read() + certificate.read_key())
    return path
