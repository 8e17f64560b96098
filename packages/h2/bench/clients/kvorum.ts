import net from 'node:net';
import { type CallStatus, GrpcClient, nodeClock, Status } from '../../src/index.ts';
import { streamPath, unaryPath } from '../echo-contract.ts';
import type { Caller } from './caller.ts';

export function callKvorum(port: number): Caller {
  const client = new GrpcClient({
    dial: async () => net.connect(port, '127.0.0.1'),
    authority: `127.0.0.1:${port}`,
    clock: nodeClock,
    random: () => 0.5,
  });
  return {
    unary: async (message) => (await client.unary(unaryPath, message)).length,
    stream: (message) =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        const onMessage = (reply: Uint8Array): void => {
          bytes += reply.length;
        };
        const onEnd = ({ status, message: text }: CallStatus): void =>
          status === Status.ok ? resolve(bytes) : reject(new Error(text));
        const call = client.stream(streamPath, { onMessage, onEnd });
        call.send(message);
        call.halfClose();
      }),
    close: () => client.close(),
  };
}
