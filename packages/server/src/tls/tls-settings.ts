/** A version of TLS, as OpenSSL writes it. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/**
 * How one side of a process is secured: the flags with one prefix (`--cert-file` and so on for clients,
 * `--peer-cert-file` for members), after the checks that need no file. Paths are as given; '' is not given.
 */
export interface TlsSettings {
  /** What a listener shows, and a dialer too unless `clientCertFile` is given. */
  readonly certFile: string;
  readonly keyFile: string;
  /** What a dialer shows instead. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Authorities that the other side's certificate must come from. With one, clients have to show a certificate. */
  readonly trustedCaFile: string;
  /** Clients have to show a certificate of a known authority: the system's without `trustedCaFile`. */
  readonly clientCertAuth: boolean;
  /** Serial numbers that are refused, whoever signed them. */
  readonly crlFile: string;
  /** One of these must be the common name of the other side's certificate; empty: any. */
  readonly allowedCns: readonly string[];
  /** The other side's certificate must be good for one of these; empty: any. */
  readonly allowedHostnames: readonly string[];
  /** Don't compare the names in a client's certificate with the address it comes from. */
  readonly skipClientSanVerification: boolean;
  /** The name that a server's certificate must bear, whatever its address. Absent: the address. */
  readonly serverName?: string;
  /** Make a certificate when none is given. */
  readonly autoTls: boolean;
  /** How long such a certificate is good, in years. */
  readonly selfSignedValidityYears: number;
  /** Suites of TLS 1.2 by OpenSSL's names, in order of preference; empty: Node's. */
  readonly cipherSuites: readonly string[];
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** The certificate was made by `autoTls`: no authority vouches for it, so who dials can't check any. */
  readonly isSelfSigned: boolean;
}

/** No TLS: what a process without any of the flags has. */
export const noTls: TlsSettings = {
  certFile: '',
  keyFile: '',
  clientCertFile: '',
  clientKeyFile: '',
  trustedCaFile: '',
  clientCertAuth: false,
  crlFile: '',
  allowedCns: [],
  allowedHostnames: [],
  skipClientSanVerification: false,
  autoTls: false,
  selfSignedValidityYears: 1,
  cipherSuites: [],
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  isSelfSigned: false,
};

/** Whether a certificate was given. */
export function hasCertificate({ certFile, keyFile }: TlsSettings): boolean {
  return certFile !== '' || keyFile !== '';
}

/** Whether a listener asks clients for a certificate. */
export function wantsClientCertificates(settings: TlsSettings): boolean {
  return settings.trustedCaFile !== '' || settings.clientCertAuth;
}
