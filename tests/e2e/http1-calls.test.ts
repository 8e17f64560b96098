import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKvorum, type TestMember } from '../framework/member.ts';
import { grpcFrame } from '../framework/raw-http2.ts';

// What a browser can do without TLS: calls over HTTP/1.1, whose requests end before their answers begin.

let member: TestMember;
beforeAll(async () => {
  member = await startKvorum();
});
afterAll(() => member[Symbol.asyncDispose]());

const type = 'application/grpc-web+proto';
const watchPath = '/etcdserverpb.Watch/Watch';
/** A WatchRequest that creates a watcher of the key `a`. */
const watchA = grpcFrame(Uint8Array.of(0x0a, 3, 0x0a, 1, 0x61));
/** A PutRequest of `a` = `b`. */
const putA = grpcFrame(Uint8Array.of(0x0a, 1, 0x61, 0x12, 1, 0x62));

function post(path: string, body: Uint8Array, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': type };
  const init = { method: 'POST', headers, body: Uint8Array.from(body) };
  return fetch(member.url + path, signal === undefined ? init : { ...init, signal });
}

/** What the server answers to these bytes, up to when it or we hang up. */
async function answerTo(head: string): Promise<string> {
  const socket = connect(Number(new URL(member.url).port), '127.0.0.1');
  socket.end(head);
  return await text(socket);
}

describe('over HTTP/1.1', () => {
  it('a watch goes on after its request has ended', async () => {
    const abort = new AbortController();
    const response = await post(watchPath, watchA, abort.signal);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    const reader = response.body?.getReader();
    const created = await reader?.read();
    expect(created?.value?.[0]).toBe(0);
    expect((await post('/etcdserverpb.KV/Put', putA)).status).toBe(200);
    const event = await reader?.read();
    expect(Buffer.from(event?.value ?? []).includes(Buffer.from('\x0a\x01a'))).toBe(true);
    abort.abort();
  });

  it('a watch whose request may go on is refused, lest somebody waits for ever', async () => {
    const options = { method: 'POST', headers: { 'content-type': type } };
    const call = request(member.url + watchPath, options);
    call.write(watchA);
    const [response] = await once(call, 'response');
    expect(response.statusCode).toBe(505);
    call.destroy();
  });

  it.each(['HTTP/1.0\r\n', 'HTTP/1.1\r\nHost: [\r\n'])(
    'a call with no host to speak of is refused, and that is all: %j',
    async (head) => {
      const fields = `content-type: ${type}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
      const answer = await answerTo(`POST /etcdserverpb.KV/Put ${head}${fields}`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect((await post('/etcdserverpb.KV/Put', putA)).status).toBe(200);
    },
  );
});
