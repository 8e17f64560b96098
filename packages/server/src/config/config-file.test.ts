import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfigDocument } from './config-file.ts';

describe('readConfigDocument', () => {
  it('reads every kind of value', () => {
    const { values, notices } = readConfigDocument(
      parse(`
name: n1
heartbeat-interval: 50
pre-vote: false
grpc-keepalive-interval: 5000000000
listen-client-urls: http://127.0.0.1:1,http://127.0.0.1:2
log-outputs: [stderr, /tmp/x.log]
auto-compaction-retention: 12
quota-backend-bytes: -1
socket-options:
  reuse-port: true
`),
    );
    expect(notices).toEqual([]);
    expect(values.text('name')).toBe('n1');
    expect(values.integer('heartbeat-interval')).toBe(50);
    expect(values.bool('pre-vote')).toBe(false);
    expect(values.durationMs('grpc-keepalive-interval')).toBe(5000);
    expect(values.urls('listen-client-urls')).toHaveLength(2);
    expect(values.list('log-outputs')).toEqual(['stderr', '/tmp/x.log']);
    expect(values.text('auto-compaction-retention')).toBe('12');
    expect(values.integer('quota-backend-bytes')).toBe(-1);
    expect(values.bool('socket-reuse-port')).toBe(true);
  });

  it('is JSON, too, and may be empty', () => {
    expect(readConfigDocument(parse('{"name": "j"}')).values.text('name')).toBe('j');
    expect(readConfigDocument(parse('')).values.text('name')).toBe('default');
    expect(readConfigDocument(parse('name:')).values.isGiven('name')).toBe(false);
  });

  it('notices keys it does not know, and those only a flag can set', () => {
    const { notices } = readConfigDocument(parse('bogus: 1\nversion: true\nx: {y: 2}'));
    expect(notices.map((notice) => notice.fields.key)).toEqual(['bogus', 'version', 'x.y']);
  });

  it.each([
    [
      'grpc-keepalive-interval: 10m',
      'key grpc-keepalive-interval: expected an integer in nanoseconds',
    ],
    ['heartbeat-interval: "50"', 'key heartbeat-interval: expected an integer'],
    ['pre-vote: "yes"', 'invalid value "yes" for key pre-vote: expected true or false'],
    ['max-txn-ops: -5', 'invalid value -5 for key max-txn-ops: parse error'],
    ['listen-peer-urls: foo', 'URL scheme must be'],
    ['- a list', 'must contain a mapping'],
  ])('refuses %j', (text, message) => {
    expect(() => readConfigDocument(parse(text))).toThrow(message);
  });
});
