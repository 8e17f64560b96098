import { clientPreface, ErrorCode, Flag, FrameType } from '../frames.ts';
import type { CallError, CallStatus } from '../grpc/call-status.ts';
import { GrpcClient } from '../grpc/client.ts';
import type { GrpcClientOptions } from '../grpc/client-types.ts';
import { FramePeer, type RawFrame } from './frame-peer.ts';
import { ManualClock } from './manual-clock.ts';
import { memoryDuplexPair } from './memory-duplex.ts';
import { framed } from './server-harness.ts';

/** The header fields of a good response. */
export const okFields: readonly (readonly [string, string])[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

/** A client, and full control of the server that it connects to. */
export class ClientHarness {
  readonly clock = new ManualClock();
  readonly client: GrpcClient;
  /** The server's end of each connection so far. */
  readonly servers: FramePeer[] = [];
  /** Why connections ended. */
  readonly errors: (Error | undefined)[] = [];

  /** `settings` is the payload of the server's SETTINGS. */
  constructor(options: Partial<GrpcClientOptions> = {}, settings: Uint8Array = new Uint8Array(0)) {
    this.client = new GrpcClient({
      dial: async () => {
        const [near, far] = memoryDuplexPair();
        const server = new FramePeer(near, clientPreface.length);
        server.send(FrameType.settings, 0, 0, settings);
        this.servers.push(server);
        return far;
      },
      authority: 'test',
      clock: this.clock,
      random: () => 0.5,
      onStateChange: (state, error) => {
        if (state === 'idle') this.errors.push(error);
      },
      ...options,
    });
  }

  /** Begins a unary call. */
  call(message: Uint8Array | string = 'x'): Promise<Uint8Array> {
    return this.client.unary('/test.Echo/Unary', Buffer.from(message as string));
  }

  /** The server's end of a connection, once a call's HEADERS have come on this stream. */
  async serverOf(streamId: number, connection = 0): Promise<FramePeer> {
    while (this.servers.length <= connection) await new Promise((resolve) => setImmediate(resolve));
    const server = this.servers[connection] as FramePeer;
    await server.find(({ type, streamId: id }) => type === FrameType.headers && id === streamId);
    return server;
  }

  /** Answers a call as it should be. */
  answer(server: FramePeer, streamId: number, message = 'yes'): void {
    server.sendHeaders(streamId, okFields);
    server.send(FrameType.data, 0, streamId, framed(message));
    server.sendHeaders(streamId, [['grpc-status', '0']], Flag.endStream);
  }
}

/** How a call failed. */
export async function failureOf(call: Promise<unknown>): Promise<CallStatus | undefined> {
  const error = await call.then(
    () => undefined,
    (caught: unknown) => caught as CallError,
  );
  return error?.callStatus;
}

/** The error code that a peer has reset a stream with. */
export async function resetCode(peer: FramePeer, streamId: number): Promise<number | undefined> {
  const frame = await peer.find(
    ({ type, streamId: id }) => type === FrameType.rstStream && id === streamId,
  );
  return frame?.payload.readUInt32BE(0);
}

/** The error code of the GOAWAY that a peer has ended the connection with. */
export async function goawayCode(peer: FramePeer): Promise<number | undefined> {
  const isError = ({ type, payload }: RawFrame): boolean =>
    type === FrameType.goaway && payload.readUInt32BE(4) !== ErrorCode.noError;
  return (await peer.find(isError))?.payload.readUInt32BE(4);
}
