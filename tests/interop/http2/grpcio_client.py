"""Calls an echo server with gRPC's C library, whose HTTP/2 is its own.

Usage: grpcio_client.py TARGET [CERTIFICATE]

Prints a JSON object for each scenario: its name, and either its result or its error.
"""

import json
import sys
import threading
import time
import traceback

import grpc

TIMEOUT_SECONDS = 20
target = sys.argv[1]
options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def new_channel(*more):
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        return grpc.secure_channel(target, credentials, options + list(more))
    return grpc.insecure_channel(target, options + list(more))


channel = new_channel()


def unary(method, request, on=None, **how):
    how.setdefault("timeout", TIMEOUT_SECONDS)
    call = (on or channel).unary_unary(f"/test.Echo/{method}")
    return call.with_call(request, **how)


def failure(error):
    """What a caller is told of a call that failed."""
    metadata = {name: plain(value) for name, value in error.trailing_metadata() or ()}
    return {"code": error.code().name, "details": error.details(), "metadata": metadata}


def plain(value):
    return list(value) if isinstance(value, bytes) else value


def fails(function):
    try:
        function()
    except grpc.RpcError as error:
        return failure(error)
    return "did not fail"


def scenario_unary():
    replies = [unary("Unary", request)[0] for request in (b"hello", b"", bytes(1000))]
    return [len(reply) for reply in replies]


def scenario_many_at_once():
    call = channel.unary_unary("/test.Echo/Unary")
    requests = [b"call %d" % i for i in range(1500)]
    futures = [call.future(request, timeout=TIMEOUT_SECONDS) for request in requests]
    return [future.result() for future in futures] == requests


def scenario_large():
    request = bytes(range(256)) * 4096
    call = channel.unary_unary("/test.Echo/Unary")
    futures = [call.future(request, timeout=TIMEOUT_SECONDS) for _ in range(8)]
    return [future.result() == request for future in futures]


def scenario_too_large():
    return fails(lambda: unary("Unary", bytes(2 * 1024 * 1024 + 1)))


def scenario_error():
    return fails(lambda: unary("Fail", "100 % größer\n".encode()))


def scenario_unimplemented():
    return fails(lambda: unary("Nope", bytes(100_000)))


def scenario_metadata():
    sent = (("token", "abc.1"), ("many", "one"), ("many", "two"), ("data-bin", b"\0\1\xfe"))
    reply = json.loads(unary("Metadata", b"", metadata=sent)[0])
    return {name: reply[name] for name in ("token", "all", "bin", "hasDeadline")}


def scenario_response_metadata():
    sent = (("x-head", "one"), ("x-head-bin", b"\0\xff"), ("x-tail", "two"), ("x-tail-bin", b"\1"))
    call = unary("Reflect", b"", metadata=sent)[1]
    head = [[name, plain(value)] for name, value in call.initial_metadata()]
    tail = [[name, plain(value)] for name, value in call.trailing_metadata()]
    failed = fails(lambda: unary("Reflect", b"why", metadata=sent))
    return {"head": head, "tail": tail, "failed": failed}


def scenario_deadline():
    return fails(lambda: unary("Never", b"", timeout=0.05))


def scenario_deadline_of_stream():
    call = channel.stream_stream("/test.Echo/Hang")
    return fails(lambda: list(call(iter([b"x"]), timeout=0.05)))


def scenario_cancellation():
    future = channel.unary_unary("/test.Echo/Never").future(b"", timeout=TIMEOUT_SECONDS)
    time.sleep(0.05)
    future.cancel()
    return future.cancelled()


def scenario_client_stream():
    call = channel.stream_unary("/test.Echo/Collect")
    return call((bytes(20_000) for _ in range(50)), timeout=TIMEOUT_SECONDS).decode()


def scenario_server_stream():
    call = channel.unary_stream("/test.Echo/Repeat")
    messages = list(call(b"200 10000", timeout=TIMEOUT_SECONDS))
    return messages == [bytes([i]) * 10_000 for i in range(200)]


def scenario_slow_reader():
    call = channel.unary_stream("/test.Echo/Repeat")(b"300 100000", timeout=TIMEOUT_SECONDS)
    first = next(call)
    # The rest does not fit the windows, so the server has to wait.
    time.sleep(0.2)
    return len(first) + sum(len(message) for message in call)


def scenario_both_ways():
    call = channel.stream_stream("/test.Echo/Stream")
    messages = [bytes([i % 256]) * (i * 100) for i in range(300)]
    return list(call(iter(messages), timeout=TIMEOUT_SECONDS)) == messages


def scenario_ping_pong():
    answered = threading.Semaphore(1)

    def questions():
        for i in range(50):
            answered.acquire()
            yield b"%d" % i

    answers = []
    call = channel.stream_stream("/test.Echo/Stream")
    for answer in call(questions(), timeout=TIMEOUT_SECONDS):
        answers.append(int(answer))
        answered.release()
    return answers == list(range(50))


def scenario_late_error():
    call = channel.stream_stream("/test.Echo/FailLate")
    answers = []

    def read():
        for answer in call(iter([b"one", b"two"]), timeout=TIMEOUT_SECONDS):
            answers.append(answer.decode())

    return {"failed": fails(read), "answers": answers}


def scenario_stream_left_early():
    call = channel.unary_stream("/test.Echo/Repeat")(b"100000 1000", timeout=TIMEOUT_SECONDS)
    next(call)
    call.cancel()
    return unary("Unary", b"still there")[0].decode()


def scenario_gzip():
    packed = new_channel(("grpc.default_compression_algorithm", grpc.Compression.Gzip.value))
    request = b"compress me " * 10_000
    both_ways = packed.stream_stream("/test.Echo/Stream")
    answers = list(both_ways(iter([request, b"", request]), timeout=TIMEOUT_SECONDS))
    return [unary("Unary", request, packed)[0] == request, answers == [request, b"", request]]


def scenario_deflate():
    packed = new_channel(("grpc.default_compression_algorithm", grpc.Compression.Deflate.value))
    return fails(lambda: unary("Unary", b"compress me " * 10_000, packed))


def scenario_keep_alive():
    pinging = new_channel(("grpc.keepalive_time_ms", 10_000), ("grpc.http2.bdp_probe", 1))
    return [len(unary("Unary", bytes(500_000), pinging)[0]) for _ in range(10)]


for key, function in list(globals().items()):
    if not key.startswith("scenario_"):
        continue
    answer = {"name": key.removeprefix("scenario_")}
    try:
        answer["result"] = function()
    except Exception:  # pylint: disable=broad-except
        answer["error"] = traceback.format_exc()
    print(json.dumps(answer), flush=True)
