import { describe, expect, it } from 'vitest';
import { ClientError } from '../errors.ts';
import { parseEndpoint } from './endpoint.ts';

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });

describe('an endpoint', () => {
  it.each([
    ['127.0.0.1:2379', 'by-options', tcp('127.0.0.1', 2379), '127.0.0.1:2379'],
    ['http://db.example:2379', 'plain', tcp('db.example', 2379), 'db.example:2379'],
    ['http://db.example:2379/path', 'plain', tcp('db.example', 2379), 'db.example:2379'],
    ['HTTPS://[::1]:2379', 'tls', tcp('::1', 2379), '[::1]:2379'],
    ['https://db.example', 'tls', tcp('db.example', 443), 'db.example'],
    [':2379', 'by-options', tcp('localhost', 2379), ':2379'],
    ['unix:///run/etcd.sock', 'by-options', { kind: 'unix', path: '/run/etcd.sock' }, 'localhost'],
    ['unixs://etcd.sock:0', 'tls', { kind: 'unix', path: 'etcd.sock:0' }, 'localhost'],
  ])('is read from %s', (text, security, address, authority) => {
    expect(parseEndpoint(text)).toEqual({ text, security, address, authority });
  });

  it.each(['', 'ftp://a:1', 'http://', 'a:b', '::1', 'a:99999'])('is not "%s"', (text) => {
    expect(() => parseEndpoint(text)).toThrow(ClientError);
  });
});
