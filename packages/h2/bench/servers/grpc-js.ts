import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { streamPath, ticksPath, unaryPath } from '../echo-contract.ts';
import { Ticker } from './ticker.ts';

const asItIs = (message: Buffer): Buffer => message;
const codec = {
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
  requestStream: false,
};

/** Echo on @grpc/grpc-js, whose messages are bytes here: no time goes into protobuf. Resolves with the port. */
export async function serveGrpcJs(messages: number): Promise<number> {
  const server = new Server();
  const ticker = new Ticker();
  server.addService(
    {
      unary: { ...codec, path: unaryPath, responseStream: false },
      stream: { ...codec, path: streamPath, responseStream: true },
      ticks: { ...codec, path: ticksPath, responseStream: true },
    },
    {
      unary: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        reply(null, call.request),
      stream: (call: ServerWritableStream<Buffer, Buffer>) => repeat(call, messages),
      ticks: (call: ServerWritableStream<Buffer, Buffer>) => tick(call, messages, ticker),
    },
  );
  return await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

function repeat(call: ServerWritableStream<Buffer, Buffer>, messages: number): void {
  let left = messages;
  const go = (): void => {
    while (left > 0) {
      left -= 1;
      if (!call.write(call.request)) return;
    }
    call.end();
  };
  call.on('drain', go);
  go();
}

/** The same, one in each turn. */
function tick(call: ServerWritableStream<Buffer, Buffer>, messages: number, ticker: Ticker): void {
  let left = messages;
  ticker.add({
    get isDone(): boolean {
      return left === 0;
    },
    sendOne: () => {
      if (call.writableNeedDrain) return false;
      left -= 1;
      call.write(call.request);
      if (left === 0) call.end();
      return true;
    },
  });
}
