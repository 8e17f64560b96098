import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ToldCluster } from './told-cluster.ts';

const file = new URL('../../deploy/docker/compose.yaml', import.meta.url);

interface Service {
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly build: { readonly context: string; readonly dockerfile: string };
}

describe('the compose file', () => {
  it('runs three members of one cluster', async () => {
    const { services, volumes } = parse(await readFile(file, 'utf8'), { merge: true }) as {
      readonly services: Readonly<Record<string, Service>>;
      readonly volumes: Readonly<Record<string, unknown>>;
    };
    const members = Object.values(services);
    expect(members.map(({ hostname }) => hostname)).toEqual(Object.keys(services));
    const mounts = members.flatMap(({ volumes: used }) => used.map((one) => one.split(':')[0]));
    expect(mounts).toEqual(Object.keys(volumes));
    for (const { build, command } of members) {
      expect(
        await readFile(new URL(`${build.context}/${build.dockerfile}`, file), 'utf8'),
      ).toContain('FROM');
      expect(command[0]).toBe('kvorum');
    }
    const told = members.map(({ hostname: host, command, environment: env }) => {
      return { host, args: command.slice(1), env };
    });
    await using cluster = await ToldCluster.start(told);
    expect(await cluster.names()).toEqual(Object.keys(services));
    await cluster.client.put('deployed', 'yes');
    expect((await cluster.client.get('deployed'))?.string()).toBe('yes');
  });
});
