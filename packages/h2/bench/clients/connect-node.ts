import { fromBinary } from '@bufbuild/protobuf';
import { type BytesValue, BytesValueSchema } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { echoService } from '../echo-contract.ts';
import { streamWindowBytes } from '../windows.ts';
import type { Caller } from './caller.ts';

/** Calls on connect-node, in gRPC. It codes its messages, since it takes no other. */
export function callConnect(port: number): Caller {
  const transport = createGrpcTransport({
    baseUrl: `http://127.0.0.1:${port}`,
    nodeOptions: { settings: { initialWindowSize: streamWindowBytes } },
  });
  const client = createClient(echoService, transport);
  const decoded = new WeakMap<Buffer, BytesValue>();
  const decode = (message: Buffer): BytesValue => {
    let value = decoded.get(message);
    if (value === undefined) {
      value = fromBinary(BytesValueSchema, message);
      decoded.set(message, value);
    }
    return value;
  };
  return {
    unary: async (message) => sizeOf(await client.unary(decode(message))),
    stream: async (message) => {
      let bytes = 0;
      for await (const reply of client.stream(decode(message))) bytes += sizeOf(reply);
      return bytes;
    },
    close: () => {},
  };
}

/** Bytes of a message on the wire, without coding it again. */
function sizeOf({ value }: BytesValue): number {
  const { length } = value;
  if (length === 0) return 0;
  return 1 + (length < 128 ? 1 : length < 16_384 ? 2 : 3) + length;
}
