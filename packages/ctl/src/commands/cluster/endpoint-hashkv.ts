import { type HashKVResponse, HashKVResponseSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { ExitError, exitCodes } from '../../exit-error.ts';
import { integerFlag } from '../../flags/flag.ts';
import { goJson, jsonText } from '../../output/go-json.ts';
import { goQuote } from '../../output/go-quote.ts';
import { headerFields } from '../../output/key-values.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import { clusterFlags, wantedEndpoints } from './endpoints-of-cluster.ts';

type Row = readonly [endpoint: string, hash: HashKVResponse];

export const hashkv = defineCommand({
  use: 'hashkv',
  flags: {
    ...clusterFlags,
    rev: integerFlag('maximum revision to hash (default: latest revision)'),
  },
  run: async (invocation) => {
    const rows: Row[] = [];
    let failure: ClientError | undefined;
    const revision = invocation.flags.rev;
    for (const endpoint of await wantedEndpoints(invocation)) {
      const client = await invocation.clientOf([endpoint]);
      try {
        const answer = await client.maintenance.hashKV({ revision }, invocation.callOptions());
        rows.push([endpoint, answer]);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        failure = error;
        invocation.warn(`Failed to get the hash of endpoint ${endpoint} (${errorText(error)})`);
      }
    }
    await invocation.print({
      simple: (line) => {
        for (const row of rows) line(cells(row).join(', '));
      },
      table: () => ({ head: ['endpoint', 'hash', 'hash_revision'], rows: rows.map(cells) }),
      fields: (line, isHex) => {
        for (const [endpoint, { header, hash, hashRevision }] of rows) {
          headerFields(line, header, isHex);
          line(`"Endpoint" : ${goQuote(endpoint)}`);
          line(`"Hash" : ${hash}`);
          line(`"HashRevision" : ${hashRevision}`);
          line('');
        }
      },
      json: () => (rows.length === 0 ? 'null' : `[${rows.map(json).join(',')}]`),
    });
    if (failure !== undefined) throw new ExitError(exitCodes.error, errorText(failure));
  },
});

function cells([endpoint, { hash, hashRevision }]: Row): string[] {
  return [endpoint, String(hash), String(hashRevision)];
}

function json([endpoint, answer]: Row): string {
  return `{"Endpoint":${jsonText(endpoint)},"HashKV":${goJson(HashKVResponseSchema, answer)}}`;
}
