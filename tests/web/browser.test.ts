import { connectRpc } from '@kvorum/client';
import { describe, expect, it } from 'vitest';
import { runPage } from '../framework/browser.ts';
import { Certificate } from '../framework/certificate.ts';
import { startKvorum } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { systemProgram } from '../framework/real-etcd.ts';
import { TlsFront } from '../framework/tls-front.ts';
import { bundleForBrowser } from './bundle.ts';

// A page of another origin that uses Kvorum: over HTTP/1.1, and over TLS and with it HTTP/2.

const chromium = systemProgram('chromium');
const openssl = systemProgram('openssl');

const everything = {
  pages: { hasSeveralPages: true, keys: 300, revisions: 1 },
  streamed: 300,
  watched: ['0 watched/a=1', '0 watched/a=3', '1 watched/b=2'],
  followed: ['put followed/a', 'delete followed/a'],
  ttls: [60, 60],
  leasedAfterwards: null,
  mistake: 'emptyKey',
};

/** What the page reports about these endpoints. */
async function reportOn(endpoints: readonly string[], password?: string): Promise<unknown> {
  const { script } = await bundleForBrowser({ file: 'page.ts' });
  const query = new URLSearchParams(endpoints.map((endpoint) => ['endpoint', endpoint]));
  if (password !== undefined) query.set('password', password);
  return await runPage(chromium ?? '', script, query.toString());
}

describe.skipIf(chromium === undefined)('in a browser', () => {
  it('a page reads, writes, watches and holds a lease, whatever endpoint is down', async () => {
    await using member = await startKvorum();
    const [nobody = 0] = await freePorts(1);
    expect(await reportOn([`http://127.0.0.1:${nobody}`, member.url])).toEqual(everything);
  });

  it('it does so as a user with a password', async () => {
    await using member = await startKvorum();
    using client = connectRpc({ endpoints: [member.endpoint] });
    const root = { name: 'root', password: 'secret' };
    await client.auth.userAdd({ ...root, options: { noPassword: false } });
    await client.auth.userGrantRole({ user: 'root', role: 'root' });
    await client.auth.authEnable({});
    expect(await reportOn([member.url], root.password)).toEqual(everything);
    await expect(reportOn([member.url], 'wrong')).rejects.toThrow(/authentication failed/);
  });

  it.skipIf(openssl === undefined)('it does so over TLS and HTTP/2', async () => {
    using certificate = new Certificate(openssl ?? '');
    await using member = await startKvorum();
    using front = await TlsFront.start(certificate, member.endpoint);
    expect(await reportOn([front.url])).toEqual(everything);
  });
});
