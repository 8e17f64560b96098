import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HOST, type Place } from './layout.ts';
import { PeerProxies } from './peer-proxies.ts';

/** Answers every byte with the same. */
async function echo(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

async function freePort(): Promise<number> {
  const { server, port } = await echo();
  server.close();
  await once(server, 'close');
  return port;
}

/** A connection from one member to another; `hears` tells whether what it says comes back before it ends. */
async function dial(from: Place, to: Place): Promise<{ socket: Socket; hears: Promise<boolean> }> {
  const socket = connect({ host: HOST, port: to.proxyPort, localAddress: from.localAddress });
  socket.on('error', () => {});
  const hears = new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  socket.write('x');
  return { socket, hears };
}

// Only Linux has all of 127.0.0.0/8.
describe.skipIf(process.platform !== 'linux')('PeerProxies', () => {
  it('cut off an isolated member both ways, and nobody else', async () => {
    const echoes = await Promise.all([echo(), echo(), echo()]);
    const places = await Promise.all(
      echoes.map(async ({ port }, index) => ({
        name: `m${index + 1}`,
        dataDir: '',
        clientPort: 0,
        proxyPort: await freePort(),
        peerPort: port,
        localAddress: `127.0.0.${index + 2}`,
      })),
    );
    const [m1, m2, m3] = places;
    if (m1 === undefined || m2 === undefined || m3 === undefined) throw new Error('three places');
    const proxies = await PeerProxies.open(places);
    const hears = async (from: Place, to: Place) => {
      const { socket, hears } = await dial(from, to);
      const heard = await hears;
      socket.destroy();
      return heard;
    };
    const outward = await dial(m1, m2);
    const inward = await dial(m2, m1);
    expect(await Promise.all([outward.hears, inward.hears])).toEqual([true, true]);
    proxies.isolate('m1');
    await Promise.all([outward, inward].map(({ socket }) => once(socket, 'close')));
    const pairs = [m1, m2, m3].flatMap((from) => [m1, m2, m3].map((to) => [from, to] as const));
    for (const [from, to] of pairs) {
      expect([from.name, to.name, await hears(from, to)]).toEqual([
        from.name,
        to.name,
        from !== m1 && to !== m1,
      ]);
    }
    proxies.heal('m1');
    expect([await hears(m1, m2), await hears(m3, m1)]).toEqual([true, true]);
    await proxies.close();
    for (const { server } of echoes) server.close();
  });
});
