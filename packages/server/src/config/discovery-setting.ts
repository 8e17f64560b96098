/** --discovery-srv: the founding members are in the SRV records of a domain. */
export interface SrvDiscovery {
  readonly kind: 'srv';
  readonly domain: string;
  /** --discovery-srv-name: a suffix of the service's name; empty for none. */
  readonly serviceName: string;
  /** --kvorum-discovery-dns: DNS servers, `address` or `address:port`; empty for those of the system. */
  readonly servers: readonly string[];
}

/** --discovery-endpoints with --discovery-token: the founding members register in an etcd that runs. */
export interface V3Discovery {
  readonly kind: 'v3';
  readonly token: string;
  /** At least one. */
  readonly endpoints: readonly string[];
  readonly dialTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** --discovery-user with --discovery-password. */
  readonly user: { readonly name: string; readonly password: string } | undefined;
  readonly secure: {
    /** Endpoints without a scheme are spoken to in the clear, unless there are files for TLS. */
    readonly insecureTransport: boolean;
    readonly insecureSkipVerify: boolean;
    /** Paths of PEM files; empty for none. */
    readonly cert: string;
    readonly key: string;
    readonly cacert: string;
  };
}

/** --discovery: the founding members register with a discovery service, which speaks the v2 API. */
export interface V2Discovery {
  readonly kind: 'v2';
  /** As it was given; it's the token of the cluster, too. */
  readonly url: string;
  /** --discovery-proxy: the URL of an HTTP proxy on the way there. */
  readonly proxy: string | undefined;
}

/** How the founding members find each other when --initial-cluster doesn't say it. */
export type DiscoverySetting = SrvDiscovery | V3Discovery | V2Discovery;
