import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import {
  type BytesValueSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import type { Method } from './plan.ts';

/** What every server of the benchmark serves; messages are `google.protobuf.BytesValue`. */
export const unaryPath = '/bench.Echo/Unary';
export const streamPath = '/bench.Echo/Stream';
/** As `Stream`, but with a turn of the loop between messages. */
export const ticksPath = '/bench.Echo/Ticks';

/** The path of each method. */
export const paths: Readonly<Record<Method, string>> = {
  unary: unaryPath,
  stream: streamPath,
  ticks: ticksPath,
};

/** In front of every message: its flag and its length. */
export const prefixBytes = 5;

type EchoService = GenService<{
  unary: {
    methodKind: 'unary';
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
  stream: {
    methodKind: 'server_streaming';
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
  ticks: {
    methodKind: 'server_streaming';
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
}>;

/** The same service for those who want a description of it. */
export const echoService: EchoService = makeService();

function makeService(): EchoService {
  const name = 'google/protobuf/wrappers.proto';
  const type = '.google.protobuf.BytesValue';
  const file = create(FileDescriptorProtoSchema, {
    name: 'bench.proto',
    package: 'bench',
    syntax: 'proto3',
    dependency: [name],
    service: [
      {
        name: 'Echo',
        method: [
          { name: 'Unary', inputType: type, outputType: type },
          { name: 'Stream', inputType: type, outputType: type, serverStreaming: true },
          { name: 'Ticks', inputType: type, outputType: type, serverStreaming: true },
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, (dependency) =>
    dependency === name ? file_google_protobuf_wrappers : undefined,
  );
  const service = registry.getService('bench.Echo');
  if (service === undefined) throw new Error('the description has no such service');
  return service as EchoService;
}

/** A `BytesValue` of just so many bytes on the wire; 0, or from 3 to 2 MiB. */
export function messageOf(bytes: number): Buffer {
  if (bytes === 0) return Buffer.alloc(0);
  const lengthBytes = bytes < 130 ? 1 : bytes < 16_387 ? 2 : 3;
  const message = Buffer.alloc(bytes, 0x61);
  message[0] = 0x0a;
  let rest = bytes - 1 - lengthBytes;
  for (let i = 1; i <= lengthBytes; i++) {
    message[i] = (rest & 0x7f) | (i < lengthBytes ? 0x80 : 0);
    rest >>>= 7;
  }
  return message;
}

/** A message with its prefix, as gRPC sends it. */
export function framed(message: Uint8Array): Buffer {
  const body = Buffer.allocUnsafe(prefixBytes + message.length);
  body[0] = 0;
  body.writeUInt32BE(message.length, 1);
  body.set(message, prefixBytes);
  return body;
}
