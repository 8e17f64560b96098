import { describe, expect, it } from 'vitest';
import { findHostless, isWildcard, requireBindable } from './address-rules.ts';
import { parseEndpointUrl } from './endpoint-url.ts';

describe('requireBindable', () => {
  it.each(['http://localhost:1', 'http://0.0.0.0:1', 'http://[fe80::1%eth0]:1', 'unix:/s'])(
    'accepts %s',
    (text) => {
      expect(() => requireBindable([parseEndpointUrl(text)])).not.toThrow();
    },
  );

  it.each(['http://example.com:1', 'http://:1'])('refuses %s', (text) => {
    const message = `expected IP in URL for binding (${text})`;
    expect(() => requireBindable([parseEndpointUrl(text)])).toThrow(message);
  });
});

describe('what an address says', () => {
  it('finds a URL without a host, but lets sockets be', () => {
    const urls = ['unix:/s', 'http://:1'].map(parseEndpointUrl);
    expect(findHostless(urls)?.href).toBe('http://:1');
  });

  it('knows the addresses that mean every interface', () => {
    expect(isWildcard(parseEndpointUrl('http://0.0.0.0:1'))).toBe(true);
    expect(isWildcard(parseEndpointUrl('http://[::]:1'))).toBe(true);
    expect(isWildcard(parseEndpointUrl('http://127.0.0.1:1'))).toBe(false);
  });
});
