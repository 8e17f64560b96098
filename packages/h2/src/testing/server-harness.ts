import type { H2Error } from '../errors.ts';
import { Flag, FrameType } from '../frames.ts';
import { GrpcServer } from '../grpc/server.ts';
import type { Connection, GrpcServerOptions } from '../grpc/types.ts';
import { EchoService } from './echo-service.ts';
import { FramePeer, type RawFrame } from './frame-peer.ts';
import { ManualClock } from './manual-clock.ts';
import { memoryDuplexPair } from './memory-duplex.ts';

/** The pseudo-header fields and content type of a call of the echo service. */
export function callFields(method = 'Unary'): [string, string][] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', `/test.Echo/${method}`],
    [':authority', 'test'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

/** A message with gRPC's prefix. */
export function framed(message: Uint8Array | string, flag = 0): Buffer {
  const body = Buffer.from(message as string);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** A server with the echo service, a connection to it in memory, and full control of the other end. */
export class ServerHarness {
  readonly clock = new ManualClock();
  readonly echo = new EchoService();
  readonly errors: H2Error[] = [];
  readonly server: GrpcServer;
  readonly peer: FramePeer;
  readonly connection: Connection;

  constructor(options: Partial<GrpcServerOptions> = {}) {
    this.server = new GrpcServer({
      methods: this.echo.methods,
      clock: this.clock,
      onError: (error) => this.errors.push(error),
      ...options,
    });
    const [near, far] = memoryDuplexPair();
    this.peer = new FramePeer(far);
    this.connection = this.server.accept(near);
  }

  /** One more connection to the server. */
  connect(): FramePeer {
    const [near, far] = memoryDuplexPair();
    const peer = new FramePeer(far);
    this.server.accept(near);
    return peer;
  }

  /** The error code and text of the GOAWAY that ends the connection. */
  async goaway(): Promise<{ code: number; text: string } | undefined> {
    const frame = await this.peer.find(
      ({ type, payload }) => type === FrameType.goaway && payload.readUInt32BE(4) !== 0,
    );
    if (frame === undefined) return undefined;
    const { payload } = frame;
    return { code: payload.readUInt32BE(4), text: payload.subarray(8).toString() };
  }

  /** The error code that a stream is reset with. */
  async reset(streamId: number): Promise<number | undefined> {
    const frame = await this.peer.find(
      (found) => found.type === FrameType.rstStream && found.streamId === streamId,
    );
    return frame?.payload.readUInt32BE(0);
  }

  /** The last frame of a stream. */
  end(streamId: number): Promise<RawFrame | undefined> {
    return this.peer.find(
      ({ type, flags, streamId: id }) =>
        id === streamId &&
        (type === FrameType.headers || type === FrameType.data) &&
        (flags & Flag.endStream) !== 0,
    );
  }

  /** Whether a call on this stream is still answered as it should. */
  async canCall(streamId: number): Promise<boolean> {
    this.peer.sendHeaders(streamId, callFields());
    this.peer.send(FrameType.data, Flag.endStream, streamId, framed('ping'));
    await this.end(streamId);
    return this.peer.frames.some(
      ({ type, streamId: id, payload }) =>
        id === streamId && type === FrameType.data && payload.equals(framed('ping')),
    );
  }
}
