"""Clients of the bundled services over grpcio: the other side of lgen-server in its tests."""

import queue

import grpc

import protos

streaming = protos.messages("streaming")
hello = protos.messages("hello")
health = protos.messages("health")
echo = protos.messages("echo")

GUIDE_NAME = "grpc.example.com"


def plain_channel(target):
    # An own connection for every channel, as a load test means it.
    return grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)])


def tls_channel(target, ca, client=None):
    """The first Python clients' channel: a certificate of their own making, and another name than the target's."""
    credentials = grpc.ssl_channel_credentials(ca, *((client.read_key(), client.read()) if client else ()))
    return grpc.secure_channel(target, credentials, options=[
        ("grpc.ssl_target_name_override", GUIDE_NAME), ("grpc.default_authority", GUIDE_NAME),
        ("grpc.use_local_subchannel_pool", 1)])


class TextStream:
    """An open ProcessTextStream: send texts, then close or cancel."""

    def __init__(self, channel, client_id="client", channel_id=0, timeout=None, metadata=None):
        method = channel.stream_unary("/streaming.Streamer/ProcessTextStream",
                                      streaming.TextRequest.SerializeToString, streaming.TextResponse.FromString)
        self._client_id = client_id
        self._channel_id = channel_id
        self._texts = queue.SimpleQueue()
        self.call = method.future(iter(self._texts.get, None), timeout=timeout, metadata=metadata)

    def send(self, *texts):
        for text in texts:
            self._texts.put(streaming.TextRequest(message=text, client_id=self._client_id,
                                                  channel_id=self._channel_id))
        return self

    def close(self):
        """The server's count."""
        self._texts.put(None)
        return self.call.result(30).message_count

    def cancel(self):
        self.call.cancel()
        self._texts.put(None)

    def status(self):
        """The status code the stream has ended with; waits for it."""
        error = self.call.exception(30)
        self._texts.put(None)
        return error.code() if error else grpc.StatusCode.OK

    def headers(self):
        return dict(self.call.initial_metadata())


def say_hello(channel, name="you", timeout=30, wait_for_ready=False):
    method = channel.unary_unary("/hello.Hello/SayHello", hello.Greeting.SerializeToString,
                                 hello.Introduction.FromString)
    return method.with_call(hello.Greeting(name=name), timeout=timeout, wait_for_ready=wait_for_ready)


def health_check(channel, service="", timeout=30):
    method = channel.unary_unary("/grpc.health.v1.Health/Check", health.HealthCheckRequest.SerializeToString,
                                 health.HealthCheckResponse.FromString)
    return health.HealthCheckResponse.ServingStatus.Name(
        method(health.HealthCheckRequest(service=service), timeout=timeout).status)


def health_watch(channel, service=""):
    """The statuses as they come; `.cancel()` ends it."""
    method = channel.unary_stream("/grpc.health.v1.Health/Watch", health.HealthCheckRequest.SerializeToString,
                                  health.HealthCheckResponse.FromString)
    return method(health.HealthCheckRequest(service=service), timeout=30)


def serving(watch):
    """The name of the next status of a watch."""
    return health.HealthCheckResponse.ServingStatus.Name(next(watch).status)


def echo_method(channel, name):
    kinds = {"Unary": channel.unary_unary, "ClientStream": channel.stream_unary,
             "ServerStream": channel.unary_stream, "BidiStream": channel.stream_stream}
    return kinds[name](f"/lgen.echo.Echo/{name}", echo.EchoRequest.SerializeToString, echo.EchoReply.FromString)


def reflect(channel, version, **question):
    """The one answer to one question; `version` is "v1" or "v1alpha"."""
    module = protos.messages("reflection_" + version)
    method = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                   module.ServerReflectionRequest.SerializeToString,
                                   module.ServerReflectionResponse.FromString)
    return next(method(iter([module.ServerReflectionRequest(**question)]), timeout=30))
