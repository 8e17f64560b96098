import type { CallInfo, HeaderFields, Message, Metadata, ServerStats } from '@kvorum/h2';
import type { Clock } from '../clock.ts';
import type { BoundMethod } from './bindings.ts';
import type { GatewayExchange } from './exchange.ts';
import { RequestMetadata } from './request-metadata.ts';

/** What the calls of a gateway share. */
export interface CallParts {
  readonly clock: Clock;
  readonly stats: ServerStats;
  /** Of a request in wire format, as for gRPC. */
  readonly maxMessageBytes: number;
}

const METADATA_PREFIX = 'grpc-metadata-';

/** A call that came as JSON, as the methods of the member know calls. It is counted as theirs are. */
export abstract class GatewayCall implements CallInfo {
  readonly metadata: Metadata;
  readonly peer: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly timeoutMs: number | undefined;
  aborted = false;
  protected readonly clock: Clock;
  protected readonly stats: ServerStats;
  readonly #startMs: number;
  #headers: [string, string][] = [];
  #stopTimer: (() => void) | undefined;

  /** `timeoutMs`: what is left of it. */
  constructor(
    parts: CallParts,
    { grpcPath }: BoundMethod,
    exchange: GatewayExchange,
    timeoutMs: number | undefined,
  ) {
    this.clock = parts.clock;
    this.stats = parts.stats;
    this.metadata = new RequestMetadata(exchange.headers);
    this.peer = exchange.peer;
    this.path = grpcPath;
    this.scheme = exchange.scheme;
    this.authority = exchange.authority;
    this.timeoutMs = timeoutMs;
    this.#startMs = parts.clock.nowMs();
    parts.stats.callStarted(grpcPath);
    if (timeoutMs !== undefined) {
      this.#stopTimer = parts.clock.after(Math.max(timeoutMs, 0), () => this.expire());
    }
  }

  /** None: as in etcd, who calls through the gateway is known by a token, not by a certificate. */
  get connection(): undefined {
    return undefined;
  }

  remainingMs(): number | undefined {
    if (this.timeoutMs === undefined) return undefined;
    return this.#startMs + this.timeoutMs - this.clock.nowMs();
  }

  setHeaders(metadata: HeaderFields): void {
    this.#headers = [...metadata].map(([name, value]) => [METADATA_PREFIX + name, value]);
  }

  /** Trailers are gRPC's own business: who speaks JSON reads none. */
  setTrailers(): void {}

  /** Headers of an answer that has a message. */
  answerHeaders(): [string, string][] {
    return [
      ['content-type', 'application/json'],
      [`${METADATA_PREFIX}content-type`, 'application/grpc'],
      ...this.#headers,
    ];
  }

  /** The time is up. */
  protected abstract expire(): void;

  /** The call is over, and counted as such; to be called once. */
  protected finish(status: number): void {
    this.#stopTimer?.();
    this.stats.callFinished(this.path, status, this.clock.nowMs() - this.#startMs);
  }
}

/** A message in one piece. */
export function joined(message: Message): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}
