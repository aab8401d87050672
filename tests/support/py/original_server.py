"""A small Python server of the streaming contract, in the words and names of the first server of its kind.

It stands in for that server where lgen is tested against something that is not lgen's own: one thread a stream,
OpenTelemetry's metric names, the same log lines. `python3 original_server.py --help` lists its flags.
"""

import argparse
import http.server
import logging
import signal
import sys
import threading
import time
from concurrent import futures

import grpc

import protos

streaming = protos.messages("streaming")


class Counts:
    """The gauge and the counter, shared by all streams."""

    def __init__(self):
        self._lock = threading.Lock()
        self.active = 0
        self.messages = 0

    def add(self, streams=0, messages=0):
        with self._lock:
            self.active += streams
            self.messages += messages
            return float(self.active)

    def text(self):
        return ("# HELP grpc_server_active_streams The number of currently active gRPC streams.\n"
                "# TYPE grpc_server_active_streams gauge\n"
                f"grpc_server_active_streams {float(self.active)}\n"
                "# HELP app_messages_processed_count_total Messages read from streams.\n"
                "# TYPE app_messages_processed_count_total counter\n"
                f"app_messages_processed_count_total {float(self.messages)}\n")


class Streamer:
    def __init__(self, counts, pod, message_delay):
        self._counts = counts
        self._pod = pod
        self._message_delay = message_delay

    def process_text_stream(self, requests, context):
        count, prefix = 0, ""
        if self._pod:
            context.send_initial_metadata((("x-backend", self._pod),))
        self._counts.add(streams=1)
        try:
            for request in requests:
                count += 1
                active = self._counts.add(messages=1)
                if count == 1:
                    prefix = f"[Client: {request.client_id}, Channel: {request.channel_id}] "
                    logging.info("%sStream opened. Active streams: %s", prefix, active)
                elif self._message_delay:
                    time.sleep(self._message_delay)
            if count == 0:
                logging.info("Stream opened but received no messages.")
            else:
                logging.info("%sStream closed normally by client. Processed %d messages.", prefix, count)
        except Exception:  # grpc's iterator raises a bare Exception when the client has cancelled
            if context.is_active():
                raise
            logging.info("%sStream cancelled by client after %d messages.", prefix, count)
        finally:
            active = self._counts.add(streams=-1)
            if count > 0:
                logging.info("%sStream finished. Active streams: %s", prefix, active)
        return streaming.TextResponse(message_count=count)


def metrics_server(host, port, counts):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = counts.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    logging.info("Prometheus metrics server started on port %d.", server.server_address[1])


def grpc_server(options, counts):
    streamer = Streamer(counts, options.pod, options.message_delay / 1000)
    handlers = {"ProcessTextStream": grpc.stream_unary_rpc_method_handler(
        streamer.process_text_stream, streaming.TextRequest.FromString, streaming.TextResponse.SerializeToString)}
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=options.max_workers),
        options=[("grpc.max_connection_age_ms", options.max_connection_age),
                 ("grpc.max_connection_age_grace_ms", options.max_connection_age_grace),
                 ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("streaming.Streamer", handlers),))
    address = f"{options.host}:{options.port}"
    port = server.add_secure_port(address, credentials(options)) if options.tls_cert else server.add_insecure_port(address)
    server.start()
    logging.info("gRPC server started on port %d with max_connection_age=%dms, grace=%dms.", port,
                 options.max_connection_age, options.max_connection_age_grace)
    return server


def credentials(options):
    with open(options.tls_key, "rb") as key, open(options.tls_cert, "rb") as cert:
        return grpc.ssl_server_credentials([(key.read(), cert.read())])


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed at the start")
    parser.add_argument("--metrics-port", type=int, default=0, help="0: a free one, printed at the start")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--pod", default="", help="sends x-backend when given")
    parser.add_argument("--max-workers", type=int, default=100)
    parser.add_argument("--message-delay", type=float, default=0, help="milliseconds after every message but the first")
    parser.add_argument("--max-connection-age", type=int, default=600000, help="milliseconds")
    parser.add_argument("--max-connection-age-grace", type=int, default=60000, help="milliseconds")
    return parser.parse_args()


def main():
    options = parse_options()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO,
                        format="%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    counts = Counts()
    metrics_server(options.host, options.metrics_port, counts)
    server = grpc_server(options, counts)
    stopped.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
