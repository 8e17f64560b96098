import type { HttpExchange, Metadata } from '@kvorum/h2';

/** A request and its answer, of whichever HTTP version, as far as the gateway needs them. */
export interface GatewayExchange
  extends Pick<
    HttpExchange,
    'method' | 'path' | 'scheme' | 'authority' | 'peer' | 'body' | 'allowSilence' | 'respond'
  > {
  readonly headers: Pick<Metadata, 'get' | 'getAll' | 'entries'>;
  /** Called at most once, when the client leaves before it has all of the answer; at once if it has left. */
  onAbort(callback: () => void): void;
}
