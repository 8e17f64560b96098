import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between clients and a member, which can fail in the ways that networks do. */
export class TestProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  /** Those whose data is taken and goes nowhere. */
  readonly #swallowed = new WeakSet<Socket>();
  #mode: 'pass' | 'swallow' | 'refuse' = 'pass';

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#accept(client, target));
  }

  /** In front of a member's `host:port` on this machine. */
  static async open(endpoint: string): Promise<TestProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestProxy(server, Number(endpoint.split(':').at(-1)));
  }

  get endpoint(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Nothing passes through open connections any more, and nobody is told. New ones pass. */
  swallowOpen(): void {
    for (const socket of this.#sockets) this.#swallowed.add(socket);
  }

  /** Nothing passes at all any more, and nobody is told; new connections are accepted. */
  swallow(): void {
    this.swallowOpen();
    this.#mode = 'swallow';
  }

  /** Breaks all connections; new ones pass. */
  breakOpen(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#mode = 'pass';
  }

  /** Breaks all connections, and every new one. */
  refuse(): void {
    this.breakOpen();
    this.#mode = 'refuse';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakOpen();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket, target: number): void {
    if (this.#mode === 'refuse') {
      client.destroy();
      return;
    }
    const server = connect(target, '127.0.0.1');
    const ways = [
      [client, server],
      [server, client],
    ] as const;
    for (const [from, to] of ways) {
      this.#sockets.add(from);
      if (this.#mode === 'swallow') this.#swallowed.add(from);
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (!this.#swallowed.has(from)) to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
