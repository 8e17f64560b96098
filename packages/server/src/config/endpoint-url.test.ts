import { describe, expect, it } from 'vitest';
import { parseEndpointUrl, parseEndpointUrls } from './endpoint-url.ts';

describe('parseEndpointUrl', () => {
  it('splits TCP URLs into host and port', () => {
    expect(parseEndpointUrl('http://127.0.0.1:2379')).toEqual({
      scheme: 'http',
      host: '127.0.0.1',
      port: 2379,
      path: '',
      href: 'http://127.0.0.1:2379',
    });
  });

  it('takes IPv6 addresses in brackets', () => {
    const url = parseEndpointUrl('https://[::1]:0');
    expect([url.scheme, url.host, url.port]).toEqual(['https', '::1', 0]);
  });

  it.each([
    ['unix:/run/etcd.sock', '/run/etcd.sock'],
    ['unix:///run/etcd.sock', '/run/etcd.sock'],
    ['unixs://localhost:2379', 'localhost:2379'],
  ])('keeps the socket path of %s', (text, path) => {
    expect(parseEndpointUrl(text)).toMatchObject({ path, host: '', port: 0, href: text });
  });

  it.each([
    ['127.0.0.1:2379', 'URL scheme must be http, https, unix, or unixs: 127.0.0.1:2379'],
    ['ftp://h:1', 'URL scheme must be http, https, unix, or unixs: ftp://h:1'],
    ['', 'URL scheme must be http, https, unix, or unixs: '],
    ['http://127.0.0.1', 'URL address does not have the form "host:port": http://127.0.0.1'],
    ['http://::1:2379', 'URL address does not have the form "host:port": http://::1:2379'],
    ['http://h:65536', 'URL address does not have the form "host:port": http://h:65536'],
    ['http://a@h:1', 'URL address does not have the form "host:port": http://a@h:1'],
    ['http://h:1/x', 'URL must not contain a path: http://h:1/x'],
    ['unix:', 'URL must contain the path of a socket: unix:'],
  ])('refuses %j', (text, message) => {
    expect(() => parseEndpointUrl(text)).toThrow(message);
  });
});

describe('parseEndpointUrls', () => {
  it('sorts by text, as the list is announced', () => {
    const urls = parseEndpointUrls('http://b:1, http://a:1');
    expect(urls.map((url) => url.href)).toEqual(['http://a:1', 'http://b:1']);
  });
});
