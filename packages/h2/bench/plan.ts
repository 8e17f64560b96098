/** Whose servers and clients are compared; the first is ours. */
export const subjects = ['kvorum', 'node-http2', 'grpc-js', 'connect-node'] as const;
export type Subject = (typeof subjects)[number];

/** Messages that answer a call of `Stream` or `Ticks`. */
export const messagesPerStream = 1000;

/** `stream` answers as fast as it may, `ticks` with one message in each turn of the loop. */
export type Method = 'unary' | 'stream' | 'ticks';

export interface ServerLoad {
  readonly name: string;
  /** h2load where it keeps up; the lean generator where h2load would be what is measured. */
  readonly generator: 'h2load' | 'lean';
  readonly method: Method;
  readonly messageBytes: number;
  readonly connections: number;
  /** Calls at any time on each connection. */
  readonly streams: number;
}

export const serverLoads: readonly ServerLoad[] = [
  {
    name: 'unary echo, empty message, 100 connections x 10',
    generator: 'h2load',
    method: 'unary',
    messageBytes: 0,
    connections: 100,
    streams: 10,
  },
  {
    name: 'unary echo, 256 B, 100 connections x 10',
    generator: 'h2load',
    method: 'unary',
    messageBytes: 256,
    connections: 100,
    streams: 10,
  },
  {
    name: 'server streaming of 256 B, at once, 10 connections x 10',
    generator: 'h2load',
    method: 'stream',
    messageBytes: 256,
    connections: 10,
    streams: 10,
  },
  {
    name: 'server streaming of 256 B, one a stream and turn, 10 connections x 10',
    generator: 'h2load',
    method: 'ticks',
    messageBytes: 256,
    connections: 10,
    streams: 10,
  },
  {
    name: 'unary echo, 64 KiB, 10 connections x 4',
    generator: 'lean',
    method: 'unary',
    messageBytes: 64 * 1024,
    connections: 10,
    streams: 4,
  },
  {
    name: 'unary echo, 1 MiB, 4 connections x 2',
    generator: 'lean',
    method: 'unary',
    messageBytes: 1024 * 1024,
    connections: 4,
    streams: 2,
  },
];

export interface ClientPlan {
  readonly name: string;
  readonly method: Exclude<Method, 'ticks'>;
  readonly messageBytes: number;
  /** Calls at any time, on one connection. */
  readonly inFlight: number;
}

export const clientLoads: readonly ClientPlan[] = [
  {
    name: 'client, unary, 256 B, 100 calls at a time',
    method: 'unary',
    messageBytes: 256,
    inFlight: 100,
  },
  {
    name: 'client, receiving streams of 256 B, 10 calls at a time',
    method: 'stream',
    messageBytes: 256,
    inFlight: 10,
  },
];
