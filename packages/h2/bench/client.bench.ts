/**
 * CPU of a client per unary call, on this package and on `node:http2`, against the echo server of this
 * package in another process.
 *
 *     node packages/h2/bench/client.bench.ts [calls]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { GrpcClient, nodeClock } from '../src/index.ts';

const path = '/bench.Echo/Call';
const calls = Number(process.argv[2] ?? 100_000);
const inFlight = 100;
const rounds = 3;
const request = Buffer.alloc(256, 0x61);

type Call = () => Promise<number>;

function h2Call(port: number): { call: Call; close: () => void } {
  const client = new GrpcClient({
    dial: async () => net.connect(port, '127.0.0.1'),
    authority: 'bench',
    clock: nodeClock,
    random: () => 0.5,
  });
  const call: Call = async () => (await client.unary(path, request)).length;
  return { call, close: () => client.close() };
}

function nodeCall(port: number): { call: Call; close: () => void } {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  const body = Buffer.concat([prefix, request]);
  const headers = {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const call: Call = () =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers);
      let length = -5;
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      stream.on('end', () => resolve(length));
      stream.on('error', reject);
      stream.end(body);
    });
  return { call, close: () => session.close() };
}

async function measure(call: Call, count: number): Promise<string> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      if ((await call()) !== request.length) throw new Error('a reply of another length');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const { user, system } = process.cpuUsage(before);
  const rate = Math.round(count / ((performance.now() - startedAt) / 1000));
  return `${String(rate).padStart(8)} calls/s  ${((user + system) / count).toFixed(1)} us CPU/call`;
}

const script = new URL('./echo-server.ts', import.meta.url).pathname;
const server = spawn(process.execPath, [script, 'h2'], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await once(createInterface({ input: server.stdout }), 'line');
const clients = { h2: h2Call(Number(line)), node: nodeCall(Number(line)) };
for (let round = 0; round < rounds; round++) {
  for (const [name, { call }] of Object.entries(clients)) {
    await measure(call, calls / 10);
    console.log(`${name.padEnd(5)} ${await measure(call, calls)}`);
  }
}
for (const { close } of Object.values(clients)) close();
server.kill();
