import { AlarmRequest_AlarmAction as Action, AlarmTypeSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { enumName } from '../../output/enum-name.ts';
import { jsonText } from '../../output/go-json.ts';
import { goQuote } from '../../output/go-quote.ts';
import { goDuration } from '../../output/go-text.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import type { Invocation } from '../../program/invocation.ts';
import { clusterFlags, wantedEndpoints } from './endpoints-of-cluster.ts';

/** How one endpoint is. */
interface Health {
  readonly endpoint: string;
  readonly isHealthy: boolean;
  readonly took: string;
  /** Empty when there is nothing wrong. */
  readonly error: string;
}

export const health = defineCommand({
  use: 'health',
  flags: clusterFlags,
  run: async (invocation) => {
    const endpoints = await wantedEndpoints(invocation);
    const list: Health[] = [];
    // In the order in which they answer, as etcdctl does.
    await Promise.all(
      endpoints.map(async (endpoint) => list.push(await healthOf(invocation, endpoint))),
    );
    await invocation.print({
      simple: (line) => {
        for (const { endpoint, took, error } of list) {
          if (error === '') {
            line(`${endpoint} is healthy: successfully committed proposal: took = ${took}`);
          } else {
            invocation.warn(`${endpoint} is unhealthy: failed to commit proposal: ${error}`);
          }
        }
      },
      fields: (line) => {
        for (const { endpoint, isHealthy, took, error } of list) {
          line(`"Endpoint" : ${goQuote(endpoint)}`);
          line(`"Health" : ${isHealthy}`);
          line(`"Took" : ${took}`);
          line(`"Error" : ${error}`);
          line('');
        }
      },
      json: () => `[${list.map(json).join(',')}]`,
      table: () => ({
        head: ['endpoint', 'health', 'took', 'error'],
        rows: list.map((one) => [one.endpoint, String(one.isHealthy), one.took, one.error]),
      }),
    });
    if (list.some(({ error }) => error !== '')) {
      throw new ExitError(exitCodes.error, 'unhealthy cluster');
    }
  },
});

function json({ endpoint, isHealthy, took, error }: Health): string {
  const parts = [
    `"endpoint":${jsonText(endpoint)}`,
    `"health":${isHealthy}`,
    `"took":${jsonText(took)}`,
  ];
  if (error !== '') parts.push(`"error":${jsonText(error)}`);
  return `{${parts.join(',')}}`;
}

async function healthOf(invocation: Invocation, endpoint: string): Promise<Health> {
  const { host } = invocation;
  let startMs = host.now();
  try {
    const client = await invocation.clientOf([endpoint]);
    startMs = host.now();
    const options = invocation.callOptions();
    const key = new TextEncoder().encode('health');
    await client.kv.range({ key }, options).catch((error: unknown) => {
      // Who may not read the key has been told so by a quorum.
      if (!(error instanceof ClientError) || error.code !== 'permissionDenied') throw error;
    });
    const took = goDuration(host.now() - startMs);
    const answer = await client.maintenance
      .alarm({ action: Action.GET }, options)
      .catch(() => undefined);
    const names = (answer?.alarms ?? []).map(({ alarm }) => `${enumName(AlarmTypeSchema, alarm)} `);
    let error = answer === undefined ? 'Unable to fetch the alarm list' : '';
    if (names.length > 0) error = `Active Alarm(s): ${names.join('')}`;
    return { endpoint, isHealthy: error === '', took, error };
  } catch (error) {
    if (error instanceof ExitError) {
      return { endpoint, isHealthy: false, took: '', error: error.message };
    }
    if (!(error instanceof ClientError)) throw error;
    const took = goDuration(host.now() - startMs);
    return { endpoint, isHealthy: false, took, error: errorText(error) };
  }
}
