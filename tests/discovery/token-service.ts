import { eventually } from '../framework/eventually.ts';
import { kvorumProgram } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import { RunningProgram } from '../framework/process.ts';
import { START_DEADLINE_MS } from './founding-member.ts';

/** A discovery service in front of an etcd with the v2 API. */
export interface TestTokenService extends AsyncDisposable {
  readonly url: string;
  readonly process: RunningProgram;
}

/** Starts Kvorum's own. Resolves when it serves. */
export async function startKvorumService(
  endpoints: string,
  more: readonly string[] = [],
): Promise<TestTokenService> {
  const { file, args } = kvorumProgram();
  const flags = ['--listen-addr=127.0.0.1:0', `--endpoints=${endpoints}`, ...more];
  const process = await RunningProgram.start(file, {
    args: [...args, 'discovery', 'start', ...flags],
  });
  const line = await process.stderr.line(/"discovery service is ready"/, START_DEADLINE_MS);
  const { address, scheme } = JSON.parse(line);
  return serviceOf(process, `${scheme}://${address}`);
}

/** Starts Debian's etcd-discovery, the program behind discovery.etcd.io. Resolves when it serves. */
export async function startEtcdService(file: string, endpoint: string): Promise<TestTokenService> {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const args = [`--addr=127.0.0.1:${port}`, `--host=${url}`, `--etcd=${endpoint}`];
  const process = await RunningProgram.start(file, { args });
  await eventually(
    'an answer of etcd-discovery',
    async () => {
      const { ok } = await fetch(`${url}/robots.txt`);
      return ok;
    },
    START_DEADLINE_MS,
  );
  return serviceOf(process, url);
}

function serviceOf(process: RunningProgram, url: string): TestTokenService {
  return { url, process, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}
