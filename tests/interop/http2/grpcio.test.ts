import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { pythonWithGrpc, systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer, type EchoServerOptions } from './echo-server.ts';
import { runTool } from './tool.ts';

// gRPC's C library, by way of Python: the client in Python, Ruby, PHP, C# of old and C++, with an HTTP/2 of its own.

const python = pythonWithGrpc();
const openssl = systemProgram('openssl');

interface Scenario {
  readonly name: string;
  readonly result?: unknown;
  readonly error?: string;
}

const detailsOf = (...bytes: readonly number[]) => ({ 'grpc-status-details-bin': [...bytes] });

/** What each scenario of grpcio_client.py is to see. */
const expected: Readonly<Record<string, unknown>> = {
  unary: [5, 0, 1000],
  many_at_once: true,
  large: Array.from({ length: 8 }, () => true),
  too_large: {
    code: 'RESOURCE_EXHAUSTED',
    details: 'grpc: received message larger than max (2097153 vs. 2097152)',
    metadata: {},
  },
  error: { code: 'OUT_OF_RANGE', details: '100 % größer\n', metadata: detailsOf(1, 2, 255) },
  unimplemented: {
    code: 'UNIMPLEMENTED',
    details: 'unknown method Nope for service test.Echo',
    metadata: {},
  },
  metadata: { token: 'abc.1', all: ['one', 'two'], bin: [0, 1, 254], hasDeadline: true },
  response_metadata: {
    head: [
      ['x-head', 'one'],
      ['x-head-bin', [0, 255]],
    ],
    tail: [
      ['x-tail', 'two'],
      ['x-tail-bin', [1]],
    ],
    failed: {
      code: 'ABORTED',
      details: 'why',
      metadata: expect.objectContaining({ 'x-tail': 'two', 'x-tail-bin': [1] }),
    },
  },
  deadline: { code: 'DEADLINE_EXCEEDED', details: expect.any(String), metadata: {} },
  deadline_of_stream: { code: 'DEADLINE_EXCEEDED', details: expect.any(String), metadata: {} },
  cancellation: true,
  client_stream: '50 messages, 1000000 bytes',
  server_stream: true,
  slow_reader: 30_000_000,
  both_ways: true,
  ping_pong: true,
  late_error: {
    answers: ['one', 'two'],
    failed: { code: 'DATA_LOSS', details: 'lost it, späte', metadata: detailsOf(3, 2, 1) },
  },
  stream_left_early: 'still there',
  gzip: [true, true],
  deflate: {
    code: 'UNIMPLEMENTED',
    details: 'grpc: Decompressor is not installed for grpc-encoding "deflate"',
    metadata: {},
  },
  keep_alive: Array.from({ length: 10 }, () => 500_000),
};

let folder: string;
let certificate: Certificate | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-grpcio-'));
  if (openssl !== undefined) certificate = new Certificate(openssl);
});

afterAll(() => {
  certificate?.[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

interface Way {
  readonly options: () => EchoServerOptions;
  /** Arguments of the client. */
  readonly target: (server: EchoServer) => readonly string[];
}

const ways: Readonly<Record<string, Way>> = {
  'over TCP': { options: () => ({}), target: ({ address }) => [address] },
  ...(openssl === undefined
    ? {}
    : {
        'over TLS': {
          options: () => (certificate === undefined ? {} : { certificate }),
          target: ({ port }: EchoServer) => [`localhost:${port}`, certificate?.file ?? ''],
        },
      }),
  'on a unix socket': {
    options: () => ({ path: join(folder, 'echo.sock') }),
    target: () => [`unix:${join(folder, 'echo.sock')}`],
  },
};

describe.skipIf(python === undefined).each(Object.entries(ways))('grpcio %s', (_, way) => {
  let server: EchoServer;
  let scenarios: readonly Scenario[];

  beforeAll(async () => {
    server = await EchoServer.listen(way.options());
    const script = join(import.meta.dirname, 'grpcio_client.py');
    const { stdout } = await runTool(python ?? '', [script, ...way.target(server)]);
    const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
    scenarios = lines.map((line) => JSON.parse(line) as Scenario);
  });

  afterAll(() => server[Symbol.dispose]());

  it.each(Object.keys(expected))('sees what it should: %s', (name) => {
    const { error, result } = scenarios.find((one) => one.name === name) ?? {};
    expect(error).toBeUndefined();
    expect(result).toEqual(expected[name]);
  });

  it('has no other scenario, and no connection ended badly', () => {
    expect(scenarios.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
    expect(server.errors).toEqual([]);
    expect(new Set(server.echo.abortReasons).size).toBeGreaterThan(0);
  });
});
