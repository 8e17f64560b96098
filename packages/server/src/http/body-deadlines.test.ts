import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { SimTime } from '../testing/sim-time.ts';
import { BodyDeadlines } from './body-deadlines.ts';

const TIMEOUT_MS = 1000;

let closeServer = async (): Promise<void> => {};
afterEach(() => closeServer());

/** A server that answers complete requests; `lifted` ones may take their time. */
async function serve(lifted: boolean) {
  const time = new SimTime();
  const clock: Clock = { ...systemClock, after: (delayMs, run) => time.after(delayMs, run) };
  const deadlines = new BodyDeadlines(clock, TIMEOUT_MS);
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    deadlines.start(request, response);
    if (lifted) deadlines.lift(request);
    request.resume();
    request.once('end', () => response.end('answered'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeServer = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const { port } = server.address() as AddressInfo;
  const ask = async (body: string) => {
    const arrived = once(server, 'request');
    const socket = connect(port, '127.0.0.1');
    const head = 'Host: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n';
    socket.write(`POST / HTTP/1.1\r\n${head}${body}`);
    await arrived;
    return socket;
  };
  return { time, ask };
}

it('a request that does not come to its end is refused, and its connection ended', async () => {
  const { time, ask } = await serve(false);
  const socket = await ask('ab');
  const answer = text(socket);
  await time.run(TIMEOUT_MS);
  expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
});

it('one that does is answered, however late it is then', async () => {
  const { time, ask } = await serve(false);
  const socket = await ask('abcd');
  const answer = await text(socket);
  await time.run(2 * TIMEOUT_MS);
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*answered/s);
});

it('one that may take its time is waited for', async () => {
  const { time, ask } = await serve(true);
  const socket = await ask('ab');
  await time.run(2 * TIMEOUT_MS);
  socket.write('cd');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
});
