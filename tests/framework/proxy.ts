import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ClusterMember } from './cluster.ts';

/** A connection that passes through, from the member that opened it to the one behind the proxy. */
interface Link {
  /** Undefined until it is known. */
  from: number | undefined;
  readonly to: number;
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * The network between the peer ports of a cluster's members: each advertises a proxy of this, and whatever one member
 * sends to another passes through it, or doesn't. Only on Linux: who has opened a connection is looked up in /proc.
 */
export class PeerNetwork implements AsyncDisposable {
  readonly #proxies: { server: Server; port: number; target: number }[] = [];
  readonly #links = new Set<Link>();
  /** Ordered pairs of members between whom nothing passes, as `from>to`. */
  readonly #cuts = new Set<string>();
  #members: () => readonly ClusterMember[] = () => [];

  /** Opens a proxy for each of so many members. */
  static async open(size: number): Promise<PeerNetwork> {
    const network = new PeerNetwork();
    for (let index = 0; index < size; index++) await network.#openProxy(index);
    return network;
  }

  /** For `ClusterOptions.peerPortOf`: the proxy before a member that listens on a port. */
  readonly portBefore = (listenPort: number, index: number): number => {
    const proxy = this.#proxies[index];
    // One that joins later than the network was made for has none.
    if (proxy === undefined) return listenPort;
    proxy.target = listenPort;
    return proxy.port;
  };

  /** Whose processes open the connections. Until it is called nothing can be cut. */
  watch(members: () => readonly ClusterMember[]): void {
    this.#members = members;
  }

  /** Lets nothing through any more that one member sends to another. */
  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
    this.#apply();
  }

  /** How many connections a member has opened, or accepted. */
  connections(index: number, direction: 'in' | 'out'): number {
    return [...this.#links].filter((link) => {
      return (direction === 'in' ? link.to : this.#openerOf(link)) === index;
    }).length;
  }

  /** Cuts all that a member sends, all that is sent to it, or both. */
  isolate(index: number, direction: 'in' | 'out' | 'both' = 'both'): void {
    for (let other = 0; other < this.#proxies.length; other++) {
      if (other === index) continue;
      if (direction !== 'in') this.#cuts.add(`${index}>${other}`);
      if (direction !== 'out') this.#cuts.add(`${other}>${index}`);
    }
    this.#apply();
  }

  /** Undoes all cuts. What was held back arrives now. */
  heal(): void {
    this.#cuts.clear();
    this.#apply();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    await Promise.all(
      this.#proxies.map(
        ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
      ),
    );
  }

  async #openProxy(index: number): Promise<void> {
    const server = createServer((client) => this.#accept(index, client));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a proxy has no port');
    this.#proxies.push({ server, port: address.port, target: 0 });
  }

  #accept(to: number, client: Socket): void {
    const { target = 0 } = this.#proxies[to] ?? {};
    const server = connect(target, '127.0.0.1');
    const link: Link = { from: undefined, to, client, server };
    this.#links.add(link);
    const end = () => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (chunk) => {
      if (!server.write(chunk)) client.pause();
    });
    server.on('drain', () => this.#applyTo(link));
    server.on('data', (chunk) => client.write(chunk));
    this.#applyTo(link);
  }

  #apply(): void {
    for (const link of this.#links) this.#applyTo(link);
  }

  /** What the opener of a connection sends is held back; answers to what it sent before still pass. */
  #applyTo(link: Link): void {
    const isCut = this.#cuts.size > 0 && this.#cuts.has(`${this.#openerOf(link)}>${link.to}`);
    if (isCut) link.client.pause();
    else link.client.resume();
  }

  /** Looked up when it matters, and again if it wasn't known then: a member's process has to be known first. */
  #openerOf(link: Link): number | undefined {
    link.from ??= this.#ownerOf(link.client);
    return link.from;
  }

  /** The member whose process has a connection's other end. */
  #ownerOf(client: Socket): number | undefined {
    const inode = inodeOf(client.remotePort ?? 0, client.localPort ?? 0);
    if (inode === undefined) return undefined;
    return this.#members().find((member) => {
      return member.isRunning && hasSocket(member.process.pid, inode);
    })?.index;
  }
}

/** The inode of the socket at `from` of a connection to `to`; others may use the port `from` at the same time. */
function inodeOf(from: number, to: number): string | undefined {
  const hex = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local?.endsWith(hex(from)) === true && remote?.endsWith(hex(to)) === true) return inode;
  }
  return undefined;
}

function hasSocket(pid: number, inode: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => linkOf(`${folder}/${fd}`) === `socket:[${inode}]`);
  } catch {
    // It has just ended.
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
