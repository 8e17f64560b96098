import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkAddress, checkAllowedNames } from './certificate-checks.ts';
import { alternativeNamesOf } from './certificate-names.ts';
import type { NameResolver } from './name-resolver.ts';
import { makeSelfSigned } from './node-self-signed.ts';

async function certificateFor(...hosts: readonly string[]): Promise<X509Certificate> {
  const { cert } = await makeSelfSigned({
    hosts,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
  });
  return new X509Certificate(cert);
}

/** Two hosts; one of them has a name for its address. */
const resolver: NameResolver = {
  addressesOf: async (name) => {
    if (name === 'two.example.com') return ['10.0.0.2', '::2'];
    throw new Error(`no host ${name}`);
  },
  namesOf: async (address) => (address === '10.0.0.1' ? ['one.example.com'] : []),
};

describe('the address that a certificate is shown from', () => {
  it.each([
    [['10.0.0.9'], '10.0.0.9', undefined],
    [['10.0.0.9'], '::ffff:10.0.0.9', undefined],
    [['::9'], '::9', undefined],
    [['fe80::9'], 'fe80::9%eth0', undefined],
    [['10.0.0.9'], '10.0.0.8', 'x509: certificate is valid for 10.0.0.9, not 10.0.0.8'],
    [['one.example.com'], '10.0.0.1', undefined],
    [['*.example.com'], '10.0.0.1', undefined],
    [['two.example.com'], '10.0.0.2', undefined],
    [['10.0.0.9', 'two.example.com'], '::2', undefined],
    [['three.example.com'], '10.0.0.3', 'does not match any of DNSNames ["three.example.com"]'],
    [['*.example.com'], '10.0.0.2', 'does not match any of DNSNames ["*.example.com"]'],
    [[], '10.0.0.3', undefined],
  ])('for %j and %s', async (hosts, address, error) => {
    const problem = await checkAddress(await certificateFor(...hosts), address, resolver);
    if (error === undefined) expect(problem).toBeUndefined();
    else expect(problem?.error).toContain(error);
  });
});

describe('the names in a certificate', () => {
  it('are told apart by their kinds', async () => {
    const certificate = await certificateFor('a.example.com', '10.0.0.1', '*.b.example.com', '::1');
    expect(alternativeNamesOf(certificate)).toEqual({
      dnsNames: ['a.example.com', '*.b.example.com'],
      addresses: ['10.0.0.1', '0:0:0:0:0:0:0:1'],
    });
  });

  it('must be good for an allowed host', async () => {
    const certificate = await certificateFor('*.example.com', '10.0.0.1');
    const check = (...allowedHostnames: readonly string[]) =>
      checkAllowedNames(certificate, { allowedCns: [], allowedHostnames })?.error;
    expect(check()).toBeUndefined();
    expect(check('elsewhere', 'a.example.com')).toBeUndefined();
    expect(check('10.0.0.1')).toBeUndefined();
    expect(check('a.b.example.com', '10.0.0.2')).toBe('client certificate authentication failed');
  });

  it('must have an allowed common name', async () => {
    const certificate = await certificateFor();
    const problem = checkAllowedNames(certificate, {
      allowedCns: ['member'],
      allowedHostnames: [],
    });
    expect(problem).toEqual({
      error: 'client certificate authentication failed',
      hint: 'the common name "" is none of ["member"]',
    });
  });
});
