import { type Client, createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { Cluster, KV, Lease, Maintenance, Watch } from '@kvorum/api';

/** A gRPC client of one member, on one connection: Connect's own, so that ours is not tested against itself. */
export class TestClient {
  readonly transport: Transport;
  readonly kv: Client<typeof KV>;
  readonly watch: Client<typeof Watch>;
  readonly lease: Client<typeof Lease>;
  readonly cluster: Client<typeof Cluster>;
  readonly maintenance: Client<typeof Maintenance>;
  readonly #session: Http2SessionManager;

  constructor(url: string) {
    this.#session = new Http2SessionManager(url);
    this.transport = createGrpcTransport({ baseUrl: url, sessionManager: this.#session });
    this.kv = createClient(KV, this.transport);
    this.watch = createClient(Watch, this.transport);
    this.lease = createClient(Lease, this.transport);
    this.cluster = createClient(Cluster, this.transport);
    this.maintenance = createClient(Maintenance, this.transport);
  }

  /** Ends the connection and with it all calls that still run. */
  [Symbol.dispose](): void {
    this.#session.abort();
  }
}
