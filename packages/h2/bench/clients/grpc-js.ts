import { Client, credentials } from '@grpc/grpc-js';
import { streamPath, unaryPath } from '../echo-contract.ts';
import { connectionWindowBytes } from '../windows.ts';
import type { Caller } from './caller.ts';

const asItIs = (message: Buffer): Buffer => message;

/** Calls on @grpc/grpc-js, whose messages are bytes here: no time goes into protobuf. */
export function callGrpcJs(port: number): Caller {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc-node.flow_control_window': connectionWindowBytes,
  });
  return {
    unary: (message) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(unaryPath, asItIs, asItIs, message, (error, reply) =>
          error === null ? resolve(reply?.length ?? 0) : reject(error),
        );
      }),
    stream: (message) =>
      new Promise((resolve, reject) => {
        const call = client.makeServerStreamRequest(streamPath, asItIs, asItIs, message);
        let bytes = 0;
        call.on('data', (reply: Buffer) => {
          bytes += reply.length;
        });
        call.on('end', () => resolve(bytes));
        call.on('error', reject);
      }),
    close: () => client.close(),
  };
}
