import { cipherSuiteOf } from '../tls/cipher-suites.ts';
import type { TlsSettings, TlsVersion } from '../tls/tls-settings.ts';
import { ConfigError } from './config-error.ts';
import type { FlagValues } from './flag-values.ts';

/** The two sets of TLS flags. */
export interface TlsConfig {
  /** `--cert-file` and so on: for client and metrics listeners. */
  readonly clientTls: TlsSettings;
  /** `--peer-cert-file` and so on: for what is between members. */
  readonly peerTls: TlsSettings;
}

/** Reads the flags of TLS. Throws `ConfigError` "invalid", in etcd's words. */
export function readTls(values: FlagValues): TlsConfig {
  const shared = {
    ...tlsVersions(values.text('tls-min-version'), values.text('tls-max-version')),
    cipherSuites: cipherSuitesOf(values.list('cipher-suites')),
    selfSignedValidityYears: values.integer('self-signed-cert-validity'),
    isSelfSigned: false,
  };
  refuseSuites(shared.minVersion, values.list('cipher-suites'));
  const clientTls: TlsSettings = {
    ...shared,
    ...files(values, ''),
    crlFile: values.text('client-crl-file'),
    allowedCns: [],
    allowedHostnames: values.list('client-cert-allowed-hostname'),
    skipClientSanVerification: false,
  };
  const peerTls: TlsSettings = {
    ...shared,
    ...files(values, 'peer-'),
    crlFile: values.text('peer-crl-file'),
    allowedCns: values.list('peer-cert-allowed-cn'),
    allowedHostnames: values.list('peer-cert-allowed-hostname'),
    skipClientSanVerification: values.bool('peer-skip-client-san-verification'),
    ...domainName(values),
  };
  for (const settings of [clientTls, peerTls]) {
    checkTlsSettings(settings);
  }
  return { clientTls, peerTls };
}

/**
 * As in etcd: where DNS says who the members are, and any public authority is trusted, it's the domain that has to vouch
 * for them. etcd forgets that when a member comes again.
 */
function domainName(values: FlagValues): Pick<TlsSettings, 'serverName'> {
  const domain = values.text('discovery-srv');
  const isOwnAuthority = values.text('peer-trusted-ca-file') !== '';
  return domain === '' || isOwnAuthority ? {} : { serverName: domain };
}

function files(values: FlagValues, prefix: '' | 'peer-') {
  return {
    certFile: values.text(`${prefix}cert-file`),
    keyFile: values.text(`${prefix}key-file`),
    clientCertFile: values.text(`${prefix}client-cert-file`),
    clientKeyFile: values.text(`${prefix}client-key-file`),
    trustedCaFile: values.text(`${prefix}trusted-ca-file`),
    clientCertAuth: values.bool(`${prefix}client-cert-auth`),
    autoTls: values.bool(`${prefix}auto-tls`),
  };
}

/** Refuses what no files could put right. Throws `ConfigError` "invalid". */
export function checkTlsSettings(settings: TlsSettings): void {
  const { allowedCns, allowedHostnames, autoTls, selfSignedValidityYears } = settings;
  if (allowedCns.length > 0 && allowedHostnames.length > 0) {
    const cns = JSON.stringify(allowedCns);
    const hostnames = JSON.stringify(allowedHostnames);
    throw new ConfigError(
      'invalid',
      `AllowedCNs and AllowedHostnames are mutually exclusive (cns=${cns}, hostnames=${hostnames})`,
    );
  }
  if (autoTls && selfSignedValidityYears === 0) {
    throw new ConfigError(
      'invalid',
      'selfSignedCertValidity is invalid,it should be greater than 0',
    );
  }
}

/** Reads --tls-min-version and --tls-max-version. Throws `ConfigError` "invalid". */
export function tlsVersions(
  min: string,
  max: string,
): { readonly minVersion: TlsVersion; readonly maxVersion: TlsVersion } {
  const minVersion = versionOf(min) ?? 'TLSv1.2';
  const maxVersion = versionOf(max) ?? 'TLSv1.3';
  if (minVersion > maxVersion) {
    const message = `min version (${min}) is greater than max version (${max})`;
    throw new ConfigError('invalid', message);
  }
  return { minVersion, maxVersion };
}

function versionOf(text: string): TlsVersion | undefined {
  switch (text) {
    case '':
      return undefined;
    case 'TLS1.2':
      return 'TLSv1.2';
    case 'TLS1.3':
      return 'TLSv1.3';
    default: {
      const shown = JSON.stringify(text);
      const message = `unexpected TLS version ${shown} (must be one of: TLS1.2, TLS1.3)`;
      throw new ConfigError('invalid', message);
    }
  }
}

/** OpenSSL's names of suites of TLS 1.2. Throws `ConfigError` "invalid" for a name that means nothing here. */
export function cipherSuitesOf(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const suite = cipherSuiteOf(name);
    if (suite === undefined) {
      throw new ConfigError('invalid', `unexpected TLS cipher suite ${JSON.stringify(name)}`);
    }
    return suite === '' ? [] : [suite];
  });
}

function refuseSuites(minVersion: TlsVersion, names: readonly string[]): void {
  if (minVersion === 'TLSv1.3' && names.length > 0) {
    throw new ConfigError(
      'invalid',
      'cipher suites cannot be configured when only TLS1.3 is enabled',
    );
  }
}
