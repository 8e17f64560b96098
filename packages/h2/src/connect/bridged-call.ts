import type { HandlerContext } from '@connectrpc/connect';
import { Code, ConnectError } from '@connectrpc/connect';
import { localStatus } from '../grpc/call-status.ts';
import { FieldMetadata } from '../grpc/field-metadata.ts';
import type { StatusCode } from '../grpc/status.ts';
import type {
  AbortReason,
  CallInfo,
  Connection,
  HeaderFields,
  Message,
  Metadata,
} from '../grpc/types.ts';
import { HeaderField } from '../hpack/header-field.ts';
import { callKey, connectionKey } from './call-context.ts';
import { errorOfStatus } from './connect-status.ts';

/** A call that came to one of Connect's handlers, as the raw methods of a `GrpcServer` know calls. */
export class BridgedCall implements CallInfo {
  readonly metadata: Metadata;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string;
  readonly timeoutMs: number | undefined;
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    const url = new URL(context.url);
    this.#context = context;
    this.path = url.pathname;
    this.scheme = url.protocol.slice(0, -1);
    this.authority = url.host;
    this.timeoutMs = context.timeoutMs();
    const fields = [...context.requestHeader].map(([name, value]) => new HeaderField(name, value));
    this.metadata = new FieldMetadata(fields, 0);
  }

  /** '' when it came over HTTP/1.1 and nobody said more. */
  get peer(): string {
    const { values } = this.#context;
    return (values.get(callKey) ?? values.get(connectionKey))?.peer ?? '';
  }

  get connection(): Connection | undefined {
    const { values } = this.#context;
    return values.get(callKey)?.connection ?? values.get(connectionKey);
  }

  get aborted(): boolean {
    return this.#context.signal.aborted;
  }

  remainingMs(): number | undefined {
    return this.#context.timeoutMs();
  }

  setHeaders(metadata: HeaderFields): void {
    append(this.#context.responseHeader, metadata);
  }

  setTrailers(metadata: HeaderFields): void {
    append(this.#context.responseTrailer, metadata);
  }

  /** Calls back once, when the caller has gone or the time is up. Connect tells of a call's end like that too. */
  protected whenAborted(callback: (reason: AbortReason) => void): void {
    const { signal } = this.#context;
    const tell = () => callback(reasonOf(signal));
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  }
}

/** What a raw method failed with. */
export function bridgedError(
  status: StatusCode,
  message: string,
  details: Uint8Array | undefined,
): ConnectError {
  return errorOfStatus({ ...localStatus(status, message), details });
}

/** A message in one piece. */
export function joined(message: Message): Uint8Array {
  return message instanceof Uint8Array ? message : Buffer.concat(message);
}

function reasonOf(signal: AbortSignal): AbortReason {
  const { reason } = signal;
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded
    ? 'deadline'
    : 'cancelled';
}

function append(headers: Headers, metadata: HeaderFields): void {
  for (const [name, value] of metadata) headers.append(name, value);
}
