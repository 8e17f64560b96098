import { describe, expect, it } from 'vitest';
import { nodeDns } from './dns.ts';

describe('the addresses of a host', () => {
  it('are those of the system where no server is named', async () => {
    const { addresses } = nodeDns();
    expect(await addresses('10.1.2.3')).toEqual(['10.1.2.3']);
    expect(await addresses('::1')).toEqual(['::1']);
    expect(await addresses('localhost')).toContain('127.0.0.1');
  });
});
