import { isIP } from 'node:net';
import { ConfigError } from './config-error.ts';
import type { EndpointUrl } from './endpoint-url.ts';

/** Refuses listen addresses that name a DNS host: a listener binds to an address (or to localhost). */
export function requireBindable(urls: readonly EndpointUrl[]): void {
  for (const url of urls) {
    const isTcp = url.scheme === 'http' || url.scheme === 'https';
    // A zone (fe80::1%eth0) is no part of the address.
    if (isTcp && url.host !== 'localhost' && isIP(url.host.replace(/%.*$/, '')) === 0) {
      throw new ConfigError('invalid', `expected IP in URL for binding (${url.href})`);
    }
  }
}

/** The first URL that lacks a host and so can't be reached from elsewhere; undefined when all are fine. */
export function findHostless(urls: readonly EndpointUrl[]): EndpointUrl | undefined {
  return urls.find((url) => url.path === '' && url.host === '');
}

/** Whether the address means "all interfaces", and so says nothing about where the member can be reached. */
export function isWildcard(url: EndpointUrl): boolean {
  return url.host === '0.0.0.0' || url.host === '::';
}
