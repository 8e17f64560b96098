import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Certificate } from '../../framework/certificate.ts';
import { systemProgram } from '../../framework/real-etcd.ts';
import { EchoServer } from './echo-server.ts';
import { runTool, type ToolOutput } from './tool.ts';

// The most used HTTP client there is, against the plain HTTP that a server of `@kvorum/h2` answers.

const curlProgram = systemProgram('curl');
const openssl = systemProgram('openssl');

let server: EchoServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kvorum-curl-'));
  server = await EchoServer.listen();
});

afterAll(() => {
  server[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function curl(...args: readonly string[]): Promise<ToolOutput> {
  return runTool(curlProgram ?? '', ['--silent', '--show-error', '--max-time', '20', ...args]);
}

const http2 = '--http2-prior-knowledge';
/** Prints what matters of the answer, behind its body. */
const summary = ['--write-out', '\n%{http_version} %{http_code} %{size_download}'];

/** Bytes that no compression makes smaller and no two places have in common. */
function bodyOf(size: number): { readonly file: string; readonly bytes: Buffer } {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, i);
  const file = join(folder, `body-${size}`);
  writeFileSync(file, bytes);
  return { file, bytes };
}

describe.skipIf(curlProgram === undefined)('curl', () => {
  it('gets a page, and its header fields arrive', async () => {
    const fields = ['--header', 'x-field: one', '--header', 'X-Field: two', '--cookie', 'a=b; c=d'];
    const { stdout } = await curl(http2, ...summary, ...fields, `${server.url}/fields?q=%20`);
    const [body = '', last] = stdout.split('\n');
    expect(last).toBe(`2 200 ${body.length}`);
    expect(JSON.parse(body)).toEqual([
      ['method', 'GET'],
      ['user-agent', expect.stringMatching(/^curl/)],
      ['accept', '*/*'],
      ['cookie', 'a=b; c=d'],
      ['x-field', 'one'],
      ['x-field', 'two'],
    ]);
  });

  it('asks for the head alone', async () => {
    const { stdout } = await curl(http2, ...summary, '--head', `${server.url}/page`);
    expect(stdout).toBe(
      [
        'HTTP/2 200 \r\ncontent-type: application/octet-stream\r\ncontent-length: 1234\r\n\r\n',
        '\n2 200 0',
      ].join(''),
    );
  });

  it('gets an answer without a body', async () => {
    const { stdout } = await curl(http2, ...summary, `${server.url}/nothing`);
    expect(stdout).toBe('\n2 204 0');
  });

  it.each([0, 1, 16_384, 10_000_000])('posts %i bytes and gets them back', async (size) => {
    const { file, bytes } = bodyOf(size);
    const output = join(folder, 'output');
    const post = ['--data-binary', `@${file}`, '--output', output];
    const { stdout } = await curl(http2, ...summary, ...post, `${server.url}/echo`);
    expect(stdout).toBe(`\n2 200 ${size}`);
    expect(readFileSync(output).equals(bytes)).toBe(true);
  });

  it('sees the trailers behind the body', async () => {
    const trailers = join(folder, 'headers');
    const upload = ['--data', 'abc', '--dump-header', trailers];
    const { stdout } = await curl(http2, ...upload, `${server.url}/echo`);
    expect(stdout).toBe('abc');
    expect(readFileSync(trailers, 'utf8')).toMatch(/\r\n\r\nx-trailer: the end\r\n$/);
  });

  it('waits with its body until it is told to continue', async () => {
    const { file, bytes } = bodyOf(1_000_000);
    const output = join(folder, 'output');
    // Without a word from the server it would wait beyond its own time limit.
    const wait = ['--header', 'Expect: 100-continue', '--expect100-timeout', '25', '--verbose'];
    const post = ['--data-binary', `@${file}`, '--output', output];
    const { stderr } = await curl(http2, ...wait, ...post, `${server.url}/collected`);
    expect(stderr.match(/^< HTTP\/2 \d+/gm)).toEqual(['< HTTP/2 100', '< HTTP/2 200']);
    expect(readFileSync(output).equals(bytes)).toBe(true);
  });

  it('keeps its body when it is refused instead', async () => {
    const wait = ['--header', 'Expect: 100-continue', '--expect100-timeout', '25'];
    const post = ['--data-binary', `@${bodyOf(1_000_000).file}`];
    const { stdout } = await curl(http2, ...summary, ...wait, ...post, `${server.url}/refused`);
    expect(stdout).toBe('no\n2 403 2');
  });

  it('reads an answer that comes before its body is sent', async () => {
    const post = ['--data-binary', `@${bodyOf(10_000_000).file}`];
    const { stdout } = await curl(http2, ...summary, ...post, `${server.url}/refused`);
    expect(stdout).toBe('no\n2 403 2');
  });

  it('is told when its header fields are too many or too long', async () => {
    using small = await EchoServer.listen({ limits: { maxHeaderListBytes: 8192 } });
    const long = ['--header', `x-long: ${'a'.repeat(9000)}`];
    const many = Array.from({ length: 140 }, (_, i) => ['--header', `x-${i}: ${i}`]).flat();
    for (const fields of [long, many]) {
      const { stdout } = await curl(http2, ...summary, ...fields, `${small.url}/fields`);
      expect(stdout).toBe('\n2 431 0');
    }
    const fitting = ['--header', `x-long: ${'a'.repeat(7500)}`];
    const { stdout } = await curl(http2, ...summary, ...fitting, `${small.url}/fields`);
    expect(stdout).toMatch(/\n2 200 \d+$/);
    expect(small.errors).toEqual([]);
  });

  it.skipIf(openssl === undefined)('agrees on h2 by ALPN over TLS', async () => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    const { file, bytes } = bodyOf(1_000_000);
    const output = join(folder, 'output');
    const trust = ['--cacert', certificate.file, '--http2'];
    const post = ['--data-binary', `@${file}`, '--output', output];
    const { stdout } = await curl(...trust, ...summary, ...post, `${secure.url}/echo`);
    expect(stdout).toBe('\n2 200 1000000');
    expect(readFileSync(output).equals(bytes)).toBe(true);
    expect(secure.errors).toEqual([]);
  });

  // Debian's cannot use a connection twice when it knew of HTTP/2 beforehand, with no server.
  it.skipIf(openssl === undefined).each([
    ['at once', ['--parallel', '--parallel-max', '100']],
    ['one after the other', []],
  ])('makes many requests on one connection, %s', async (_, flags) => {
    using certificate = new Certificate(openssl ?? '');
    using secure = await EchoServer.listen({ certificate });
    const output = ['--output', '/dev/null', '--write-out', '%{http_code}\n'];
    const trust = ['--cacert', certificate.file];
    const { stdout } = await curl(
      ...trust,
      ...flags,
      ...output,
      `${secure.url}/bytes?n=[70001-70300]`,
    );
    expect(stdout.match(/^200$/gm)?.length).toBe(300);
    expect(secure.acceptedConnections).toBe(1);
    expect(secure.errors).toEqual([]);
  });

  it('calls on a unix socket', async () => {
    const path = join(folder, 'echo.sock');
    using local = await EchoServer.listen({ path });
    const { stdout } = await curl(http2, '--unix-socket', path, 'http://localhost/bytes?n=3');
    expect(stdout).toBe('xxx');
    expect(local.errors).toEqual([]);
  });

  it('says goodbye in good order, every time', () => {
    expect(server.errors).toEqual([]);
  });
});
