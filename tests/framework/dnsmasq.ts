import { Resolver } from 'node:dns/promises';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { RunningProgram } from './process.ts';
import { systemProgram } from './real-etcd.ts';

/** One SRV record. */
export interface TestSrv {
  /** Such as `_etcd-server._tcp.example.test`. */
  readonly service: string;
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
  readonly weight?: number;
}

export interface TestRecords {
  readonly srv: readonly TestSrv[];
  /** IPv4 addresses of hosts, by name. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** A DNS server on a port of 127.0.0.1 that knows some records and asks nobody else. */
export interface TestDns extends AsyncDisposable {
  /** `address:port`. */
  readonly server: string;
}

/** Path of dnsmasq, or undefined, with the consequences that `systemProgram` tells. */
export function dnsmasqProgram(): string | undefined {
  return systemProgram('dnsmasq');
}

/** Answers when the server is asked before it serves these records. */
const probe = { name: 'ready.invalid', address: '127.9.9.9' };
const START_ATTEMPTS = 3;

/** Starts dnsmasq, and resolves when it answers. */
export async function startDnsmasq(program: string, records: TestRecords): Promise<TestDns> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await freePorts(1);
    const process = await RunningProgram.start(program, { args: argsOf(records, port) });
    const server = `127.0.0.1:${port}`;
    try {
      await answers(process, server);
      return { server, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
    } catch (error) {
      await process[Symbol.asyncDispose]();
      const isTaken = /in use/i.test(process.stderr.text);
      if (!isTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function answers(process: RunningProgram, server: string): Promise<void> {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([server]);
  await eventually('an answer of dnsmasq', async () => {
    if (process.hasEnded) return 'ended';
    const addresses = await resolver.resolve4(probe.name).catch((): string[] => []);
    return addresses.includes(probe.address);
  });
  if (process.hasEnded) throw new Error(`dnsmasq ended: ${process.stderr.text}`);
}

function argsOf({ srv, hosts = {} }: TestRecords, port: number): string[] {
  const names = Object.entries({ ...hosts, [probe.name]: probe.address });
  return [
    '--keep-in-foreground',
    '--log-facility=-',
    '--conf-file=/dev/null',
    '--user=',
    '--group=',
    '--pid-file=',
    '--no-resolv',
    '--no-hosts',
    // What isn't in the records doesn't exist, rather than being asked elsewhere.
    '--local=/test/',
    '--local=/invalid/',
    '--bind-interfaces',
    '--listen-address=127.0.0.1',
    `--port=${port}`,
    ...srv.map(({ service, target, port: at, priority = 0, weight = 0 }) => {
      return `--srv-host=${service},${target},${at},${priority},${weight}`;
    }),
    ...names.map(([name, address]) => `--host-record=${name},${address}`),
  ];
}
