import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '@kvorum/client';
import { eventually } from '../framework/eventually.ts';
import { kvorumProgram } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';

/** How a deployment file starts one member: flags, and environment variables. */
export interface ToldMember {
  /** By which the other members know it. */
  readonly host: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Addresses on which a member listens: those of its own. */
const anyHost = ['0.0.0.0', '127.0.0.1', 'localhost'];
const start = /(?<=https?:\/\/)([^/:,\s]+):(\d+)/g;

/** Members that run on this machine as a deployment file says, but for addresses and the place of their data. */
export class ToldCluster implements AsyncDisposable {
  readonly client: Client;
  readonly #folder: string;
  readonly #programs: readonly RunningProgram[];
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(
    folder: string,
    programs: readonly RunningProgram[],
    ports: ReadonlyMap<string, number>,
    client: Client,
  ) {
    this.#folder = folder;
    this.#programs = programs;
    this.#ports = ports;
    this.client = client;
  }

  /** Resolves when all members serve. */
  static async start(members: readonly ToldMember[]): Promise<ToldCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'kvorum-deploy-'));
    const ports = await portsOf(members);
    const programs = await Promise.all(
      members.map((member) => {
        const { file, args } = kvorumProgram();
        const here = (text: string) => localized(text, member.host, ports);
        const data = `--data-dir=${join(folder, member.host)}`;
        const env = Object.entries(member.env).map(([name, value]) => [name, here(value)]);
        const flags = member.args.filter((flag) => !flag.startsWith('--data-dir=')).map(here);
        const options = { args: [...args, ...flags, data], env: Object.fromEntries(env) };
        return RunningProgram.start(file, options);
      }),
    );
    const endpoints = members.map(({ host }) => `127.0.0.1:${ports.get(`${host}:2379`)}`);
    const cluster = new ToldCluster(folder, programs, ports, connect({ endpoints }));
    try {
      await Promise.all(
        programs.map(({ stderr }) => stderr.line(/ready to serve client requests/, 60_000)),
      );
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where a port of a member is on this machine. */
  url(host: string, port: number): string {
    return `http://127.0.0.1:${this.#ports.get(`${host}:${port}`)}`;
  }

  /** The names of all members, once each has told its own. */
  async names(): Promise<string[]> {
    return await eventually('all members to have names', async () => {
      const names = (await this.client.members.list()).map(({ name }) => name).sort();
      return names.every((name) => name !== '') && names;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A free port for each that a member listens on, by `host:port`. */
async function portsOf(members: readonly ToldMember[]): Promise<ReadonlyMap<string, number>> {
  const wanted = members.flatMap(({ host, args, env }) => {
    const texts = [...args, ...Object.values(env)];
    const found = texts.flatMap((text) => [...text.matchAll(start)]);
    const own = found.filter(([, name = '']) => name === host || anyHost.includes(name));
    return [...new Set(own.map(([, , port]) => `${host}:${port}`))];
  });
  const free = await freePorts(wanted.length);
  return new Map(wanted.map((name, at) => [name, free[at] ?? 0]));
}

function localized(text: string, self: string, ports: ReadonlyMap<string, number>): string {
  return text.replaceAll(start, (whole, host: string, port: string) => {
    const name = `${anyHost.includes(host) ? self : host}:${port}`;
    const found = ports.get(name);
    if (found === undefined) throw new Error(`no member has ${whole}`);
    return `127.0.0.1:${found}`;
  });
}
