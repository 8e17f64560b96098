// In a file without Node's types, which the declarations of this package shall not need.

/** How connections are secured. Certificates and keys are PEM. */
export interface TlsOptions {
  /** Whom to trust. Default: the authorities that Node knows. */
  readonly ca?: string | Uint8Array;
  /** What the client shows, with its key. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the server's certificate must bear. Default: the endpoint's host. */
  readonly serverName?: string;
  /** Takes any certificate of the server's. For tests only. Default false. */
  readonly insecureSkipVerify?: boolean;
}
