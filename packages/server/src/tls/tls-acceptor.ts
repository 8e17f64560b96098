import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';
import type { RejectionLog } from '../listen/rejection-log.ts';
import { remoteAddressOf } from '../listen/remote-address.ts';
import { commonNameOf } from './certificate-names.ts';
import { certificateProblem, type HandshakeProblem, handshakeProblem } from './handshake-error.ts';

/** Time for a handshake and the checks after it, from the first byte. A bad line takes a few round trips. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Handshakes at a time; a whole fleet that connects at once. Over it the oldest goes. */
const MAX_HANDSHAKES = 1000;
/** Handshakes that a turn of the loop begins: a signature takes up to 1 ms, and others wait meanwhile. */
const STARTS_PER_TURN = 4;

export interface TlsAcceptorOptions {
  /** Shakes hands for one connection: the newest there is, which has this acceptor's `watch`. Never listens. */
  readonly server: () => Server;
  readonly clock: Clock;
  readonly rejections: RejectionLog;
  /** Looks at what TLS itself doesn't; resolves with what is wrong. Without it any certificate that TLS takes may pass. */
  readonly check?: (
    certificate: X509Certificate,
    address: string | undefined,
  ) => Promise<HandshakeProblem | undefined>;
}

/** A connection whose handshake isn't over. */
interface Handshake {
  readonly socket: Socket;
  readonly address: string;
  readonly onSecure: (secured: TLSSocket) => void;
  readonly stopTimer: () => void;
}

/**
 * Shakes hands with clients, a few at a time, and tells in the log whom it turned away and why. What it hands on is a
 * connection that has passed all checks and whose errors somebody has to listen for from then on.
 */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  /** Oldest first. */
  readonly #handshakes = new Map<Socket, Handshake>();
  #waiting: Handshake[] = [];

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
  }

  /** Connections that are shaking hands, or wait for it. */
  get handshakeCount(): number {
    return this.#handshakes.size;
  }

  /** Listens to a server that `server` is to give out. */
  watch(server: Server): void {
    server.on('secureConnection', (secured) => this.#secured(secured));
    server.on('tlsClientError', (error, secured) => this.#failed(error, secured));
  }

  /** Shakes hands on a connection whose first bytes have been read. */
  accept(socket: Socket, firstBytes: Buffer, onSecure: (secured: TLSSocket) => void): void {
    const { clock } = this.#options;
    socket.pause();
    socket.unshift(firstBytes);
    // Whatever happens to it shows in the handshake.
    socket.on('error', () => {});
    const timeout = () => {
      const error = `no TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`;
      this.#reject(handshake, { error, hint: 'the client has stopped in the middle of it' });
      socket.destroy();
    };
    const handshake: Handshake = {
      socket,
      address: remoteAddressOf(socket),
      onSecure,
      stopTimer: clock.after(HANDSHAKE_TIMEOUT_MS, timeout),
    };
    this.#makeRoom();
    this.#handshakes.set(socket, handshake);
    // Why it was closed is told after that.
    socket.once('close', () => clock.nextTurn(() => this.#forget(handshake)));
    if (this.#waiting.length === 0) clock.nextTurn(this.#begin);
    this.#waiting.push(handshake);
  }

  /** Ends all handshakes. */
  close(): void {
    this.#waiting = [];
    for (const handshake of [...this.#handshakes.values()]) {
      this.#forget(handshake);
      handshake.socket.destroy();
    }
  }

  readonly #begin = (): void => {
    const batch = this.#waiting.splice(0, STARTS_PER_TURN);
    if (this.#waiting.length > 0) this.#options.clock.nextTurn(this.#begin);
    for (const { socket } of batch) {
      if (!socket.destroyed) this.#options.server().emit('connection', socket);
    }
  };

  #makeRoom(): void {
    if (this.#handshakes.size < MAX_HANDSHAKES) return;
    for (const oldest of this.#handshakes.values()) {
      const error = `more than ${MAX_HANDSHAKES} handshakes at a time`;
      this.#reject(oldest, { error, hint: 'this one was the oldest' });
      oldest.socket.destroy();
      return;
    }
  }

  #secured(secured: TLSSocket): void {
    const handshake = this.#handshakeOf(secured);
    if (handshake === undefined) {
      secured.destroy();
      return;
    }
    // Until somebody else listens.
    const onError = () => {};
    secured.on('error', onError);
    const pass = () => {
      if (!this.#forget(handshake) || secured.destroyed) return;
      handshake.onSecure(secured);
      secured.off('error', onError);
    };
    const certificate = secured.getPeerX509Certificate();
    const { check } = this.#options;
    if (certificate === undefined || check === undefined) {
      pass();
      return;
    }
    const refuse = (problem: HandshakeProblem) => {
      this.#reject(handshake, problem, certificate);
      secured.destroy();
    };
    check(certificate, secured.remoteAddress).then(
      (problem) => (problem === undefined ? pass() : refuse(problem)),
      // What others have written must not end the process, whatever is odd about it.
      (error: unknown) => {
        const hint = 'the certificate that was shown is odd; the server does not take it';
        refuse({ error: `tls: failed to check the certificate: ${String(error)}`, hint });
      },
    );
  }

  #failed(error: Error, secured: TLSSocket): void {
    const handshake = this.#handshakeOf(secured);
    if (handshake === undefined) return;
    // A certificate that nobody vouches for: Node's type says that this is an Error, but it's a code.
    const reason: unknown = secured.authorizationError;
    const isRefused = typeof reason === 'string' && reason !== '';
    this.#reject(handshake, isRefused ? certificateProblem(reason) : handshakeProblem(error));
  }

  /** Tells of it, once. */
  #reject(handshake: Handshake, problem: HandshakeProblem, certificate?: X509Certificate): void {
    if (!this.#forget(handshake)) return;
    const shown =
      certificate === undefined
        ? {}
        : { 'common-name': commonNameOf(certificate), names: certificate.subjectAltName ?? '' };
    this.#options.rejections.rejected(handshake.address, { ...problem, ...shown });
  }

  /** False when it was over already. */
  #forget(handshake: Handshake): boolean {
    handshake.stopTimer();
    return this.#handshakes.delete(handshake.socket);
  }

  /** Node hands out the secured connection alone; what it was made of is in a field that its types don't tell of. */
  #handshakeOf(secured: TLSSocket): Handshake | undefined {
    const { _parent: socket } = secured as TLSSocket & { readonly _parent?: Socket };
    return socket === undefined ? undefined : this.#handshakes.get(socket);
  }
}
