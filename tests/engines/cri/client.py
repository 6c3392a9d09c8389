#!/usr/bin/python3
"""A client of CRI: client.py SOCKET DESCRIPTORS

Reads one JSON object a line, {"method": ..., "request": ...}, and answers each with a line:
{"response": ...} or {"error": {"code": ..., "message": ...}}. DESCRIPTORS is what protoc makes of cri.proto.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# No call of a test may take longer, in seconds.
DEADLINE = 120


def load(path):
    """The messages, by name."""
    pool = descriptor_pool.DescriptorPool()
    with open(path, "rb") as file:
        for each in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(each)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName("runtime.v1." + name))


def main():
    channel = grpc.insecure_channel("unix://" + sys.argv[1])
    message = load(sys.argv[2])
    for line in sys.stdin:
        call = json.loads(line)
        method = call["method"]
        request = json_format.ParseDict(call["request"], message(method + "Request")())
        invoke = channel.unary_unary(
            "/runtime.v1.RuntimeService/" + method,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=message(method + "Response").FromString,
        )
        try:
            response = invoke(request, timeout=DEADLINE, wait_for_ready=True)
            answer = {"response": json_format.MessageToDict(
                response, including_default_value_fields=True, preserving_proto_field_name=True)}
        except grpc.RpcError as error:
            answer = {"error": {"code": error.code().name, "message": error.details()}}
        print(json.dumps(answer), flush=True)


main()
