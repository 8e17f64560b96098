import { describe, expect, it } from 'vitest';
import { EtcdError, type EtcdErrorCode, errorFromStatus, etcdErrors } from './errors.ts';

const codes = Object.keys(etcdErrors) as EtcdErrorCode[];

describe('the table of errors', () => {
  it('gives every error a text and an etcd name of its own', () => {
    expect(new Set(codes.map((code) => etcdErrors[code].text)).size).toBe(codes.length);
    expect(new Set(codes.map((code) => etcdErrors[code].name)).size).toBe(codes.length);
  });

  it('has texts that start as all of etcd does', () => {
    for (const code of codes) expect(etcdErrors[code].text).toMatch(/^etcdserver: \S/);
  });

  it.each([
    ['compacted', 11, 'etcdserver: mvcc: required revision has been compacted'],
    ['emptyKey', 3, 'etcdserver: key is not provided'],
    ['noSpace', 8, 'etcdserver: mvcc: database space exceeded'],
    ['permissionDenied', 7, 'etcdserver: permission denied'],
    ['invalidAuthToken', 16, 'etcdserver: invalid auth token'],
    ['noLeader', 14, 'etcdserver: no leader'],
    ['corrupt', 15, 'etcdserver: corrupt cluster'],
    ['deadlineExceeded', 4, 'etcdserver: context deadline exceeded'],
  ] as const)('says %s with status %i', (code, status, text) => {
    const error = new EtcdError(code);
    expect(error).toMatchObject({ code, status, wireStatus: status, text, message: text });
  });

  it('sends two errors as UNKNOWN, as etcd does', () => {
    const sentAsUnknown = codes.filter((code) => etcdErrors[code].wireStatus === 2);
    expect(sentAsUnknown).toEqual(['memberNotEnoughStarted', 'tooManyRequests']);
  });
});

describe('errorFromStatus', () => {
  it('recognises every error by its text', () => {
    for (const code of codes) {
      expect(errorFromStatus(etcdErrors[code].wireStatus, etcdErrors[code].text).code).toBe(code);
    }
  });

  it('restores the status of an error that came as UNKNOWN', () => {
    expect(errorFromStatus(2, 'etcdserver: too many requests')).toMatchObject({
      code: 'tooManyRequests',
      status: 8,
    });
  });

  it('keeps a status that is not in the table', () => {
    expect(errorFromStatus(1, 'context canceled')).toMatchObject({
      code: 'unmapped',
      status: 1,
      text: 'context canceled',
    });
  });
});
