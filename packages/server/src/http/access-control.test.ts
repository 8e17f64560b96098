import { describe, expect, it } from 'vitest';
import { corsHeaders, refuseUnknownHost } from './access-control.ts';
import type { HttpRequest } from './http-message.ts';

function requestOf(headers: Record<string, string>, host = 'h:1', secure = false): HttpRequest {
  const body = async () => Buffer.alloc(0);
  return { method: 'GET', target: '/', host, secure, header: (name) => headers[name], body };
}

describe('refuseUnknownHost', () => {
  const policy = { cors: ['*'], hostWhitelist: ['good', '::1'] };

  it.each(['good', 'good:2379', '[::1]:2379'])('lets %s pass', (host) => {
    expect(refuseUnknownHost(policy, requestOf({}, host))).toBeUndefined();
  });

  it.each(['evil:2379', '', 'good.evil'])('answers 421 to %j', (host) => {
    const reply = refuseUnknownHost(policy, requestOf({}, host));
    expect(reply?.status).toBe(421);
    expect(reply?.body).toMatch(
      /^etcd received your request, but the Host header was unrecognized\.\n/,
    );
  });

  it('lets TLS pass, whose certificate has named the host', () => {
    expect(refuseUnknownHost(policy, requestOf({}, 'evil', true))).toBeUndefined();
  });

  it.each([[[]], [['*']]])('lets every host pass with %j', (hostWhitelist) => {
    expect(refuseUnknownHost({ cors: [], hostWhitelist }, requestOf({}, 'any'))).toBeUndefined();
  });
});

describe('corsHeaders', () => {
  const all = { cors: ['*'], hostWhitelist: [] };
  const some = { cors: ['https://good'], hostWhitelist: [] };

  it("sends etcd's headers to everybody by default", () => {
    expect(corsHeaders(all, requestOf({}))).toEqual([
      ['Access-Control-Allow-Headers', 'accept, content-type, authorization'],
      ['Access-Control-Allow-Methods', 'POST, GET, OPTIONS, PUT, DELETE'],
      ['Access-Control-Allow-Origin', '*'],
    ]);
  });

  it('names the origin when only some are allowed, and tells caches', () => {
    const headers = new Map(corsHeaders(some, requestOf({ origin: 'https://good' })));
    expect(headers.get('Access-Control-Allow-Origin')).toBe('https://good');
    expect(headers.get('Vary')).toBe('Origin');
  });

  it('sends nothing to other origins', () => {
    expect(corsHeaders(some, requestOf({ origin: 'https://evil' }))).toEqual([]);
    expect(corsHeaders(some, requestOf({}))).toEqual([]);
  });

  it('lets a browser send what Connect and gRPC-Web need', () => {
    const preflight = {
      origin: 'https://x',
      'access-control-request-headers': 'connect-protocol-version,content-type',
    };
    const headers = new Map(corsHeaders(all, requestOf(preflight)));
    expect(headers.get('Access-Control-Allow-Headers')).toContain('connect-protocol-version');
    expect(headers.get('Access-Control-Expose-Headers')).toContain('grpc-status');
    expect(headers.get('Access-Control-Max-Age')).toBe('7200');
  });

  it.each(['token', 'hasleader'])('lets a browser send the metadata %s', (name) => {
    const asked = { origin: 'https://x', 'access-control-request-headers': `${name},x-grpc-web` };
    const headers = new Map(corsHeaders(all, requestOf(asked)));
    expect(headers.get('Access-Control-Allow-Headers')?.split(', ')).toContain(name);
  });
});
