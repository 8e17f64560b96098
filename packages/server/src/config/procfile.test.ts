import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { verifyFounding } from './founding.ts';
import { loadConfig } from './load-config.ts';
import type { ServerConfig } from './server-config.ts';

interface ProcfileEntry {
  readonly label: string;
  readonly words: readonly string[];
}

/** The entries of a Procfile as foreman and goreman read them: `label: command`, `#` begins a comment. */
function readProcfile(text: string): ProcfileEntry[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, label = '', command = ''] = /^([A-Za-z0-9_-]+):\s*(.+)$/.exec(line) ?? [];
    return { label, words: splitWords(command) };
  });
}

/** The words a shell makes of a command that quotes with ' only. */
function splitWords(command: string): string[] {
  const words = command.match(/(?:'[^']*'|[^\s'])+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ''));
}

async function configOf({ words }: ProcfileEntry): Promise<ServerConfig> {
  const { config } = await loadConfig(parseCommandLine(words.slice(2)), {
    environment: {},
    defaultHost: undefined,
    readFile: () => Promise.reject(new Error('no file is read')),
  });
  verifyFounding(config);
  return config;
}

const file = new URL('../../../../Procfile', import.meta.url);

describe('the Procfile', () => {
  it('starts members with flags that the server takes, on ports of their own', async () => {
    const entries = readProcfile(await readFile(file, 'utf8'));
    expect(entries.map(({ label }) => label)).toEqual(['infra1', 'infra2', 'infra3']);
    // The shell in between makes way: a signal to it would not reach the member.
    const commands = entries.map(({ words }) => words.slice(0, 2).join(' '));
    expect(new Set(commands)).toEqual(new Set(['exec bin/kvorum']));
    const configs = await Promise.all(entries.map(configOf));
    expect(configs.map(({ name }) => name)).toEqual(['infra1', 'infra2', 'infra3']);
    expect(new Set(configs.map(({ dataDir }) => dataDir)).size).toBe(3);
    const hrefs = (urls: readonly { readonly href: string }[]) => urls.map(({ href }) => href);
    const clients = configs.flatMap(({ listenClientUrls }) => hrefs(listenClientUrls));
    const peers = configs.flatMap(({ listenPeerUrls }) => hrefs(listenPeerUrls));
    expect(clients.map((url) => new URL(url).port)).toEqual(['2379', '22379', '32379']);
    expect(peers.map((url) => new URL(url).port)).toEqual(['2380', '22380', '32380']);
    expect(configs.flatMap(({ advertiseClientUrls }) => hrefs(advertiseClientUrls))).toEqual(
      clients,
    );
  });

  it('founds one cluster', async () => {
    const entries = readProcfile(await readFile(file, 'utf8'));
    const founding = entries.map(({ words }) =>
      ['--initial-cluster', '--initial-cluster-token', '--initial-cluster-state'].map(
        (flag) => words[words.indexOf(flag) + 1],
      ),
    );
    expect(founding[0]?.[0]).toBe(
      'infra1=http://127.0.0.1:2380,infra2=http://127.0.0.1:22380,infra3=http://127.0.0.1:32380',
    );
    expect(founding[0]?.slice(1)).toEqual(['etcd-cluster-1', 'new']);
    expect(new Set(founding.map((values) => values.join(' '))).size).toBe(1);
  });
});
