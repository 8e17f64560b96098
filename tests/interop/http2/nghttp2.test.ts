import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { framed } from '@kvorum/h2/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer } from './echo-server.ts';
import { runTool } from './tool.ts';

// The programs of nghttp2, the library in curl, Apache, Node and others: `nghttp` logs every frame, `h2load`
// makes many. They can be told to pad, to prioritize, and to give windows of nearly nothing.

const nghttpProgram = systemProgram('nghttp');
const h2loadProgram = systemProgram('h2load');
const openssl = systemProgram('openssl');

let server: EchoServer;
let folder: string;
let bigFile: string;

const bigBytes = 1_000_000;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-nghttp-'));
  bigFile = join(folder, 'big');
  writeFileSync(bigFile, Buffer.alloc(bigBytes, 'some text '));
  server = await EchoServer.listen();
});

afterAll(() => {
  server[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** What `nghttp --verbose` saw on its connection. */
interface FrameLog {
  /** Of responses and their trailers, as `name: value`, pseudo-fields too. */
  readonly fields: readonly string[];
  /** Bytes of DATA frames received. */
  readonly receivedBytes: number;
  /** Of all GOAWAY and RST_STREAM frames, in either direction. */
  readonly errorCodes: readonly string[];
  readonly text: string;
}

async function nghttp(...args: readonly string[]): Promise<FrameLog> {
  const all = ['--null-out', '--verbose', '--timeout=20', ...args];
  const { stdout: text } = await runTool(nghttpProgram ?? '', all);
  const captures = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map((match) => match[1] ?? '');
  const lengths = captures(/recv DATA frame <length=(\d+)/g).map(Number);
  return {
    fields: captures(/recv \(stream_id=\d+\) (.*)$/gm),
    receivedBytes: lengths.reduce((sum, length) => sum + length, 0),
    errorCodes: captures(/error_code=([A-Z_]+)/g),
    text,
  };
}

function count(values: readonly string[], value: string): number {
  return values.filter((one) => one === value).length;
}

/** The last words of a client that has nothing to complain of. */
const goodbye = ['NO_ERROR'];

describe.skipIf(nghttpProgram === undefined)('nghttp', () => {
  it.each([
    ['plainly', []],
    ['with padded frames', ['--padding=255']],
    ['with windows of a few hundred bytes', ['--window-bits=8', '--connection-window-bits=9']],
    ['with large windows', ['--window-bits=25', '--connection-window-bits=26']],
    ['with a header table that shrinks and grows', ['-c', '64', '-c', '8192']],
    ['without a header table', ['--header-table-size=0', '--encoder-header-table-size=0']],
    ['with weights', ['--weight=256']],
    ['without dependencies', ['--no-dep', '--no-rfc7540-pri']],
    ['eight streams at a time', ['--peer-max-concurrent-streams=8']],
  ])('gets a page many times at once, %s', async (_, flags) => {
    const log = await nghttp('--multiply=100', ...flags, `${server.url}/bytes?n=3000`);
    expect(count(log.fields, ':status: 200')).toBe(100);
    expect(log.receivedBytes).toBe(300_000);
    expect(log.errorCodes).toEqual(goodbye);
  });

  it.each([
    ['plainly', []],
    ['with padding', ['--padding=200']],
    ['without saying how much', ['--no-content-length']],
    ['with trailers', ['--trailer=checksum: 1']],
    ['through small windows', ['--window-bits=10', '--connection-window-bits=12']],
  ])('uploads a file and gets it back, %s', async (_, flags) => {
    const log = await nghttp(`--data=${bigFile}`, ...flags, `${server.url}/echo`);
    expect(log.fields.filter((field) => !field.startsWith('content-type'))).toEqual([
      ':status: 200',
      'x-trailer: the end',
    ]);
    expect(log.receivedBytes).toBe(bigBytes);
    expect(log.errorCodes).toEqual(goodbye);
  });

  it('waits with its file until it is told to continue', async () => {
    const log = await nghttp('--expect-continue', `--data=${bigFile}`, `${server.url}/collected`);
    expect(log.fields.filter((field) => field.startsWith(':'))).toEqual([
      ':status: 100',
      ':status: 200',
    ]);
    const continued = log.text.indexOf(':status: 100');
    const firstData = log.text.indexOf('send DATA');
    expect(firstData).toBeGreaterThan(continued);
    expect(log.receivedBytes).toBe(bigBytes);
  });

  it('is answered early, and not blamed for what it still sends', async () => {
    const log = await nghttp(`--data=${bigFile}`, `${server.url}/refused`);
    expect(log.fields).toContain(':status: 403');
    expect(log.receivedBytes).toBe(2);
    expect(new Set(log.errorCodes)).toEqual(new Set(goodbye));
  });

  it('asks for the head alone', async () => {
    const log = await nghttp('--header=:method: HEAD', `${server.url}/page`);
    expect(log.fields).toContain('content-length: 1234');
    expect(log.text).not.toContain('DATA');
    expect(log.errorCodes).toEqual(goodbye);
  });

  it('sends header fields that need CONTINUATION', async () => {
    const log = await nghttp('--continuation', `${server.url}/fields`);
    // Six fields of four kilobytes each, one by one in the body.
    expect(log.fields).toContain(':status: 200');
    expect(log.receivedBytes).toBeGreaterThan(6 * 4096);
    expect(log.errorCodes).toEqual(goodbye);
  });

  it('is told by nothing but its status that a call has failed', async () => {
    const request = join(folder, 'call');
    writeFileSync(request, framed('for nothing'));
    const type = '--header=content-type: application/grpc';
    const log = await nghttp(`--data=${request}`, type, `${server.url}/test.Echo/Fail`);
    expect(log.fields).toEqual([
      ':status: 200',
      'content-type: application/grpc',
      'grpc-status: 11',
      'grpc-message: for nothing',
      'grpc-status-details-bin: AQL/',
    ]);
    expect(log.errorCodes).toEqual(goodbye);
  });

  it.skipIf(openssl === undefined)('agrees on h2 by ALPN over TLS', async () => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    const flags = ['--multiply=20', '--no-verify-peer', `--data=${bigFile}`];
    const log = await nghttp(...flags, `${secure.url}/echo`);
    expect(log.text).toContain('The negotiated protocol: h2');
    expect(log.receivedBytes).toBe(20 * bigBytes);
    expect(log.errorCodes).toEqual(goodbye);
    expect(secure.errors).toEqual([]);
  });
});

/** Loads a server and resolves with h2load's line of counts. */
async function h2load(...args: readonly string[]): Promise<string> {
  const { stdout } = await runTool(h2loadProgram ?? '', args);
  const counts = /^requests: (.*)$/m.exec(stdout)?.[1] ?? stdout;
  const statuses = /^status codes: (.*)$/m.exec(stdout)?.[1] ?? '';
  return `${counts}; ${statuses}`;
}

function allOf(n: number): string {
  const done = `${n} total, ${n} started, ${n} done, ${n} succeeded, 0 failed, 0 errored, 0 timeout`;
  return `${done}; ${n} 2xx, 0 3xx, 0 4xx, 0 5xx`;
}

describe.skipIf(h2loadProgram === undefined)('h2load', () => {
  const calls = ['--header=content-type: application/grpc', '--header=te: trailers'];

  it('makes many calls on many streams of a few connections', async () => {
    const request = join(folder, 'load');
    writeFileSync(request, framed(Buffer.alloc(256, 'e')));
    const shape = ['-n20000', '-c5', '-m200', `--data=${request}`];
    const result = await h2load(...shape, ...calls, `${server.url}/test.Echo/Unary`);
    expect(result).toBe(allOf(20_000));
  });

  it('has all of its streams answered through small windows', async () => {
    const shape = ['-n3000', '-c3', '-m100', '--window-bits=10', '--connection-window-bits=12'];
    expect(await h2load(...shape, `${server.url}/bytes?n=5000`)).toBe(allOf(3000));
  });

  it('uploads on many streams at once', async () => {
    const shape = ['-n60', '-c2', '-m30', `--data=${bigFile}`];
    expect(await h2load(...shape, `${server.url}/collected`)).toBe(allOf(60));
  });

  it('opens many connections', async () => {
    expect(await h2load('-n2000', '-c200', '-m10', `${server.url}/bytes?n=100`)).toBe(allOf(2000));
  });

  it.skipIf(openssl === undefined)('does the same over TLS', async () => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    const shape = ['-n3000', '-c5', '-m100'];
    expect(await h2load(...shape, `${secure.url}/bytes?n=5000`)).toBe(allOf(3000));
  });

  it('and nghttp say goodbye in good order, every time', () => {
    expect(server.errors).toEqual([]);
  });
});
