import { startServer } from '@kvorum/server';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../framework/client.ts';
import { Auditor } from './auditor.ts';
import type { Change } from './model.ts';
import type { Write } from './writer.ts';

// The crash test proves nothing unless the auditor notices what is wrong: here are things that are.

function writeOf(changes: readonly Change[], more: Partial<Write> = {}): Write {
  return { what: 'a write', changes, acknowledged: undefined, ...more };
}

const change = (key: string, value: string | undefined): Change => ({ key, value, lease: 0n });

async function put(client: TestClient, key: string, value: string): Promise<number> {
  const request = { key: Buffer.from(key), value: Buffer.from(value) };
  const { header } = await client.kv.put(request);
  return Number(header?.revision);
}

/** What an auditor says of a member after the given story. */
async function verdict(
  story: (auditor: Auditor, client: TestClient) => Promise<void>,
): Promise<string> {
  await using server = await startServer({ engine: 'memory' });
  using client = new TestClient(server.clientUrls[0] ?? '');
  const auditor = new Auditor();
  try {
    await story(auditor, client);
    await auditor.audit(client);
    return 'fine';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('an auditor', () => {
  it('is content when every answer holds, in any number of audits', async () => {
    const said = await verdict(async (auditor, client) => {
      for (const [key, value] of [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as const) {
        const write = writeOf([change(key, value)]);
        auditor.sent(write);
        auditor.answered(write, await put(client, key, value));
        await auditor.audit(client);
      }
    });
    expect(said).toBe('fine');
  });

  it('takes an unanswered write either way', async () => {
    const said = await verdict(async (auditor, client) => {
      auditor.sent(writeOf([change('happened', '1')]));
      auditor.sent(writeOf([change('did not', '1')]));
      await put(client, 'happened', '1');
    });
    expect(said).toBe('fine');
  });

  it('misses an acknowledged write that is not there', async () => {
    const said = await verdict(async (auditor, client) => {
      const write = writeOf([change('a', '1')]);
      auditor.sent(write);
      auditor.answered(write, 3);
      await put(client, 'x', '1');
      await client.kv.deleteRange({ key: Buffer.from('y') });
    });
    expect(said).toContain('the revision went back from 3 to 2');
  });

  it('misses one whose revision holds something else', async () => {
    const said = await verdict(async (auditor, client) => {
      const write = writeOf([change('a', '1')]);
      auditor.sent(write);
      auditor.answered(write, await put(client, 'a', 'another'));
    });
    expect(said).toContain('nobody wrote what is at 2');
  });

  it('notices half of a write', async () => {
    const said = await verdict(async (auditor, client) => {
      auditor.sent(writeOf([change('a', '1'), change('b', '1')]));
      await put(client, 'a', '1');
    });
    expect(said).toContain('nobody wrote what is at 2');
  });

  it('notices a write that happens twice', async () => {
    const said = await verdict(async (auditor, client) => {
      auditor.sent(writeOf([change('a', '1')]));
      await put(client, 'a', '1');
      await put(client, 'a', '1');
    });
    expect(said).toContain('nobody wrote what is at 3');
  });

  it('notices an unanswered write that happens after an audit', async () => {
    const said = await verdict(async (auditor, client) => {
      auditor.sent(writeOf([change('a', '1')]));
      await auditor.audit(client);
      await put(client, 'a', '1');
    });
    expect(said).toContain('nobody wrote what is at 2');
  });

  it('notices two writes that were told one revision', async () => {
    const said = await verdict(async (auditor) => {
      auditor.answered(writeOf([change('a', '1')]), 2);
      auditor.answered(writeOf([change('b', '1')]), 2);
    });
    expect(said).toContain('2 is a write and a write');
  });

  it('misses a granted lease, and notices one that came back', async () => {
    const missing = await verdict(async (auditor) => {
      auditor.answered(writeOf([], { grants: 5n }), 1);
    });
    expect(missing).toBe('leases are , not 5');
    const back = await verdict(async (auditor, client) => {
      await client.lease.leaseGrant({ ID: 5n, TTL: 100n });
      auditor.answered(writeOf([], { grants: 5n }), 1);
      auditor.answered(writeOf([], { revokes: 5n }), 1);
    });
    expect(back).toBe('leases are 5, not ');
  });

  it('notices a revoked lease whose keys stay', async () => {
    const said = await verdict(async (auditor, client) => {
      await client.lease.leaseGrant({ ID: 5n, TTL: 100n });
      auditor.answered(writeOf([], { grants: 5n }), 1);
      await auditor.audit(client);
      auditor.sent(writeOf([change('a', undefined)], { revokes: 5n }));
      await client.lease.leaseRevoke({ ID: 5n });
    });
    expect(said).toContain('half done');
  });
});
