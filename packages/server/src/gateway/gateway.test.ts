import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../logging/logger.ts';
import { type Backend, BackendPool } from './backend-pool.ts';
import { Gateway, type GatewayParts } from './gateway.ts';

const host = '127.0.0.1';
const soon = { timeout: 10_000, interval: 5 };

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Timers that fire when a test says so. */
class Timers {
  readonly every = vi.fn((_ms: number, callback: () => void) => this.#add(callback));
  readonly after = vi.fn((_ms: number, callback: () => void) => this.#add(callback));
  readonly #callbacks = new Set<() => void>();

  fire(): void {
    for (const callback of [...this.#callbacks]) callback();
  }

  #add(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
}

class Log {
  readonly lines: string[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    info: (message, fields) => this.#add(message, fields),
    warn: (message, fields) => this.#add(message, fields),
  };

  #add(message: string, fields: LogFields = {}): void {
    this.lines.push(`${message} ${fields.address ?? ''}`.trim());
  }
}

async function listen(onConnection: (socket: Socket) => void, port = 0): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  server.listen(port, host);
  await once(server, 'listening');
  open.push(() => server.close());
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function backendAt(port: number): Backend {
  return { address: `${host}:${port}`, host, port, priority: 0, weight: 0 };
}

/** Closes it at once; its port stays free, since nothing else is opened meanwhile but connections. */
async function shut(server: Server): Promise<number> {
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function start(ports: readonly number[], options: Partial<GatewayParts> = {}) {
  const timers = new Timers();
  const log = new Log();
  const gateway = await Gateway.open(
    {
      pool: new BackendPool(ports.map(backendAt), Math.random),
      clock: timers,
      logger: log.logger,
      retryDelayMs: 1000,
      dialTimeoutMs: 1000,
      drainMs: 1000,
      maxConnections: 100,
      ...options,
    },
    { host, port: 0 },
  );
  const stop = () => gateway.stop();
  open.push(() => {
    const stopped = stop();
    timers.fire();
    return stopped;
  });
  const dial = () => {
    const port = Number(gateway.address.split(':').at(-1));
    const socket = connect({ port, host, allowHalfOpen: true });
    socket.on('error', () => {});
    open.push(() => socket.destroy());
    return socket;
  };
  return { gateway, timers, log, dial };
}

/** All that comes, when no more will. */
function heard(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => socket.once('end', () => resolve(said)));
}

/** Resolves with whether there was an error. */
function closed(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => socket.once('close', resolve));
}

function sentAway(socket: Socket): Promise<unknown> {
  return Promise.race([heard(socket), closed(socket)]);
}

/** Answers with its name once the client has said all, and what that was. */
function named(name: string) {
  return (socket: Socket) => {
    socket.on('error', () => {});
    void heard(socket).then((said) => socket.end(`${name} heard ${said}`));
  };
}

async function ask(socket: Socket, words: string): Promise<string> {
  socket.end(words);
  return await heard(socket);
}

describe('a gateway', () => {
  it('passes connections on in turn, each with its ends one by one', async () => {
    const [a, b] = [await listen(named('a')), await listen(named('b'))];
    const { dial } = await start([portOf(a), portOf(b)]);
    expect(await ask(dial(), 'one')).toBe('a heard one');
    expect(await ask(dial(), 'two')).toBe('b heard two');
    expect(await ask(dial(), 'three')).toBe('a heard three');
  });

  it('sets a server aside that is down, and finds it again', async () => {
    const [a, b] = [await listen(named('a')), await listen(named('b'))];
    const { dial, log, timers } = await start([portOf(a), portOf(b)]);
    const port = await shut(a);
    expect(await ask(dial(), '1')).toBe('b heard 1');
    expect(log.lines).toContain(`deactivated endpoint ${host}:${port}`);
    await listen(named('a'), port);
    expect(await ask(dial(), '2')).toBe('b heard 2');
    timers.fire();
    await vi.waitFor(() => expect(log.lines).toContain(`activated ${host}:${port}`), soon);
    const answers = [await ask(dial(), '3'), await ask(dial(), '4')];
    expect(answers.toSorted()).toEqual([
      expect.stringMatching(/^a heard/),
      expect.stringMatching(/^b heard/),
    ]);
  });

  it('sends clients away while no server is up, and tries all for each of them', async () => {
    const server = await listen(named('a'));
    const { dial, log } = await start([portOf(server)]);
    const port = await shut(server);
    await closed(dial().resume());
    expect(log.lines).toContain('no endpoint could be reached; a client was sent away');
    await listen(named('a'), port);
    expect(await ask(dial(), 'again')).toBe('a heard again');
  });

  it('passes a reset on: a piece is not taken for the whole', async () => {
    const server = await listen((socket) => {
      socket.once('data', () => {
        socket.write('half', () => socket.resetAndDestroy());
      });
    });
    const { dial } = await start([portOf(server)]);
    const client = dial();
    const failed = closed(client);
    client.write('hello');
    client.resume();
    expect(await failed).toBe(true);
  });

  it('holds a fast side back until the slow one reads', async () => {
    let taken = 0;
    const sockets: Socket[] = [];
    const server = await listen((socket) => {
      socket.pause();
      socket.on('data', (chunk) => {
        taken += chunk.length;
      });
      socket.pause();
      sockets.push(socket);
    });
    const { dial } = await start([portOf(server)]);
    const client = dial();
    await once(client, 'connect');
    const total = 64 * 1024 ** 2;
    client.end(Buffer.alloc(total));
    await vi.waitFor(() => expect(sockets).toHaveLength(1), soon);
    // The system's buffers take a few megabytes of it, the gateway next to nothing.
    await vi.waitFor(() => expect(client.bytesWritten).toBe(total), soon);
    expect(client.writableLength).toBeGreaterThan(total / 2);
    sockets[0]?.resume();
    await vi.waitFor(() => expect(taken).toBe(total), soon);
  });

  it('takes so many connections and no more, and says so once', async () => {
    const server = await listen((socket) => socket.on('error', () => {}));
    const { dial, log, timers } = await start([portOf(server)], { maxConnections: 2 });
    const [first, second] = [dial(), dial()];
    await Promise.all([once(first, 'connect'), once(second, 'connect')]);
    await Promise.all([sentAway(dial()), sentAway(dial())]);
    timers.fire();
    const told = log.lines.filter((line) => line.startsWith('too many connections'));
    expect(told).toHaveLength(1);
    expect([first.destroyed, second.destroyed]).toEqual([false, false]);
  });

  it('lets connections go on for a while when it stops, then ends them', async () => {
    const server = await listen(named('a'));
    const { dial, gateway, timers } = await start([portOf(server)]);
    const [slow, endless] = [dial(), dial()];
    await Promise.all([once(slow, 'connect'), once(endless, 'connect')]);
    await vi.waitFor(async () => {
      const count = await new Promise((resolve) => {
        server.getConnections((_error, connections) => resolve(connections));
      });
      expect(count).toBe(2);
    }, soon);
    const stopped = gateway.stop();
    expect(await ask(slow, 'still')).toBe('a heard still');
    await closed(dial().resume());
    const ended = sentAway(endless);
    timers.fire();
    await Promise.all([stopped, ended]);
  });
});
