import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import {
  type CallError,
  type CallOptions,
  type CallStatus,
  type ClientReceiver,
  type ClientStream,
  GrpcClient,
  type Limits,
  type Message,
  type Metadata,
  nodeClock,
} from '@kvorum/h2';
import type { Certificate } from '../../framework/certificate.ts';
import { eventually, within } from '../../framework/eventually.ts';

export interface ClientOptions {
  readonly limits?: Partial<Limits>;
  /** Calls over TLS and trusts this certificate. */
  readonly certificate?: Certificate;
}

/** A client of `@kvorum/h2` for a server of somebody else's, that listens on this port of 127.0.0.1. */
export function newClient(port: number, options: ClientOptions = {}): GrpcClient {
  const { limits, certificate } = options;
  const dialTls = async (cert: string): Promise<Duplex> => {
    const ALPNProtocols = ['h2'];
    const socket = tls.connect({ host: '127.0.0.1', port, ca: cert, ALPNProtocols });
    await once(socket, 'secureConnect');
    if (socket.alpnProtocol !== 'h2') throw new Error(`ALPN says ${socket.alpnProtocol}`);
    return socket;
  };
  return new GrpcClient({
    dial: async () =>
      certificate === undefined ? net.connect(port, '127.0.0.1') : dialTls(certificate.cert),
    authority: `127.0.0.1:${port}`,
    scheme: certificate === undefined ? 'http' : 'https',
    clock: nodeClock,
    random: Math.random,
    backoff: { initialMs: 10, maxMs: 100 },
    ...(limits === undefined ? {} : { limits }),
  });
}

/** The status that a unary call fails with; throws when it does not fail. */
export async function failureOf(call: Promise<unknown>): Promise<CallStatus> {
  const error = await call.then(
    () => {
      throw new Error('the call did not fail');
    },
    (caught: CallError) => caught,
  );
  if (error.callStatus === undefined) throw error;
  return error.callStatus;
}

/** A streaming call and all that came back on it. */
export class RecordedCall implements ClientReceiver {
  readonly messages: Buffer[] = [];
  head: Metadata | undefined = undefined;
  readonly #stream: ClientStream;
  readonly #end = Promise.withResolvers<CallStatus>();
  #drained = Promise.withResolvers<void>();

  constructor(client: GrpcClient, path: string, options?: CallOptions) {
    this.#stream = client.stream(path, this, options);
  }

  /** Resolves when the caller may send more. */
  async send(message: Message): Promise<void> {
    const drained = this.#drained.promise;
    if (!this.#stream.send(message)) await Promise.race([drained, this.#end.promise]);
  }

  halfClose(): void {
    this.#stream.halfClose();
  }

  cancel(): void {
    this.#stream.cancel();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Resolves with the status when the call has ended. */
  ended(): Promise<CallStatus> {
    return within('the end of the call', this.#end.promise, 20_000);
  }

  /** Resolves when so many messages have come. */
  async received(count: number): Promise<readonly Buffer[]> {
    await eventually(`${count} messages`, () => this.messages.length >= count);
    return this.messages;
  }

  onHead(metadata: Metadata): void {
    this.head = metadata;
  }

  onMessage(message: Uint8Array): void {
    this.messages.push(Buffer.from(message));
  }

  onDrain(): void {
    const drained = this.#drained;
    this.#drained = Promise.withResolvers();
    drained.resolve();
  }

  onEnd(status: CallStatus): void {
    this.#end.resolve(status);
  }
}
