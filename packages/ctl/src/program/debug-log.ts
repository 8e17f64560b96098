import type { Interceptor } from '@kvorum/client';
import { variableOf } from '../flags/environment.ts';
import { type GlobalFlags, globalFlags } from '../flags/global-flags.ts';
import type { Host } from '../host.ts';
import { goDuration } from '../output/go-text.ts';
import { goList } from '../output/go-values.ts';

/** Flags whose values are secrets. */
const secrets: ReadonlySet<string> = new Set(['password', 'auth-jwt-token', 'user']);

/** What --debug shows first, as etcdctl does: each flag as the variable that would say the same. */
export function flagLines(flags: GlobalFlags): readonly string[] {
  return Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${variableOf('ETCDCTL', name)}=${textOf(name, value)}`);
}

function textOf(name: string, value: string | boolean | number | bigint | readonly string[]) {
  if (secrets.has(name) && value !== '') return '********';
  if (typeof value === 'object') return goList(value);
  const { valueName } = globalFlags[name as keyof GlobalFlags];
  return valueName === 'duration' ? goDuration(Number(value)) : String(value);
}

/** Writes a line to standard error for each call: when it begins, and how and after how long it ends. */
export function debugInterceptor(host: Host): Interceptor {
  const write = (text: string) => {
    host.stderr.write(`${new Date(host.wallClock()).toISOString()} DEBUG ${text}\n`);
  };
  return {
    async unary(call, next) {
      const name = `/${call.service.typeName}/${call.method.name}`;
      const startMs = host.now();
      const tookMs = () => (host.now() - startMs).toFixed(1);
      write(`${name} begins`);
      try {
        const answer = await next(call);
        write(`${name} is answered after ${tookMs()} ms`);
        return answer;
      } catch (error) {
        write(`${name} fails after ${tookMs()} ms: ${(error as Error).message}`);
        throw error;
      }
    },
    stream(call, next) {
      write(`/${call.service.typeName}/${call.method.name} opens a stream`);
      return next(call);
    },
  };
}
