import type { X509Certificate } from 'node:crypto';
import { alternativeNamesOf, chainOf, commonNameOf, isGoodFor } from './certificate-names.ts';
import type { HandshakeProblem } from './handshake-error.ts';
import type { NameResolver } from './name-resolver.ts';
import { type RevokedSerials, revokedOf } from './revocation-list.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Checks the common name and the names of a certificate that an authority vouches for; undefined: it may pass. */
export function checkAllowedNames(
  certificate: X509Certificate,
  settings: Pick<TlsSettings, 'allowedCns' | 'allowedHostnames'>,
): HandshakeProblem | undefined {
  const { allowedCns, allowedHostnames } = settings;
  const commonName = commonNameOf(certificate);
  if (allowedCns.length > 0 && !allowedCns.includes(commonName)) {
    return {
      error: 'client certificate authentication failed',
      hint: `the common name ${JSON.stringify(commonName)} is none of ${JSON.stringify(allowedCns)}`,
    };
  }
  const isAllowed = (host: string) => isGoodFor(certificate, host);
  if (allowedHostnames.length > 0 && !allowedHostnames.some(isAllowed)) {
    const names = JSON.stringify(certificate.subjectAltName ?? '');
    return {
      error: 'client certificate authentication failed',
      hint: `the certificate is for ${names}, none of ${JSON.stringify(allowedHostnames)}`,
    };
  }
  return undefined;
}

/** Looks a certificate, and those that vouch for it, up in a list; undefined: they may pass. */
export function checkRevocation(
  certificate: X509Certificate,
  revoked: RevokedSerials,
): HandshakeProblem | undefined {
  const found = revokedOf(chainOf(certificate), revoked);
  if (found === undefined) return undefined;
  return {
    error: `transport: certificate serial ${found.serialNumber.toLowerCase()} revoked`,
    hint: `${JSON.stringify(commonNameOf(found))} is on the list of revoked certificates (--client-crl-file, --peer-crl-file)`,
  };
}

/**
 * Compares the names of a client's certificate with the address it calls from, as etcd does of members: the address
 * itself, a name that it has, or one that leads to it. A certificate without any name may pass: undefined.
 */
export async function checkAddress(
  certificate: X509Certificate,
  address: string,
  resolver: NameResolver,
): Promise<HandshakeProblem | undefined> {
  const { dnsNames, addresses } = alternativeNamesOf(certificate);
  if (dnsNames.length === 0 && addresses.length === 0) return undefined;
  // Neither the form of an IPv4 address at an IPv6 listener nor a zone is part of it.
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (addresses.length > 0 && isGoodFor(certificate, plain)) return undefined;
  const hint =
    'who shows a certificate must call from an address that it is for (--peer-skip-client-san-verification)';
  if (dnsNames.length === 0) {
    const listed = addresses.join(', ');
    return {
      error: `x509: certificate is valid for ${listed}, not ${plain}`,
      hint,
    };
  }
  if (await isNamed(plain, dnsNames, resolver)) return undefined;
  const shown = JSON.stringify(plain);
  return {
    error: `tls: ${shown} does not match any of DNSNames ${JSON.stringify(dnsNames)}`,
    hint,
  };
}

async function isNamed(
  address: string,
  dnsNames: readonly string[],
  resolver: NameResolver,
): Promise<boolean> {
  const exact = dnsNames.filter((name) => !name.startsWith('*.'));
  const suffixes = dnsNames.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
  const own = await resolver.namesOf(address).catch(() => []);
  if (own.some((name) => exact.includes(name))) return true;
  if (own.some((name) => suffixes.some((suffix) => name.endsWith(suffix)))) return true;
  const leads = await Promise.all(
    exact.map((name) =>
      resolver.addressesOf(name).then(
        (found) => found.includes(address),
        () => false,
      ),
    ),
  );
  return leads.includes(true);
}
