import { type StatusResponse, StatusResponseSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { exitCodes } from '../../exit-error.ts';
import { goJson, jsonText } from '../../output/go-json.ts';
import { goQuote } from '../../output/go-quote.ts';
import { humanBytes } from '../../output/go-text.ts';
import { goList } from '../../output/go-values.ts';
import { headerFields } from '../../output/key-values.ts';
import type { LineWriter } from '../../output/rendering.ts';
import { defineCommand } from '../../program/command.ts';
import { errorText } from '../../program/error-text.ts';
import { clusterFlags, wantedEndpoints } from './endpoints-of-cluster.ts';

type Row = readonly [endpoint: string, status: StatusResponse];

export const status = defineCommand({
  use: 'status',
  long: `When --write-out is set to simple, this command prints out comma-separated status lists for each endpoint.
The items in the lists are endpoint, ID, version, storage version, db size, in use, percentage not in use, quota,
is leader, is learner, raft term, raft index, raft applied index, errors, downgrade target version, downgrade enabled.`,
  flags: clusterFlags,
  run: async (invocation) => {
    const rows: Row[] = [];
    let hasFailed = false;
    for (const endpoint of await wantedEndpoints(invocation)) {
      const client = await invocation.clientOf([endpoint]);
      try {
        rows.push([endpoint, await client.maintenance.status({}, invocation.callOptions())]);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        hasFailed = true;
        invocation.warn(`Failed to get the status of endpoint ${endpoint} (${errorText(error)})`);
      }
    }
    await invocation.print({
      simple: (line) => {
        for (const row of rows) line(cells(row).join(', '));
      },
      table: () => ({ head, rows: rows.map(cells) }),
      fields: (line, isHex) => {
        for (const row of rows) fields(line, row, isHex);
      },
      json: () => (rows.length === 0 ? 'null' : `[${rows.map(json).join(',')}]`),
    });
    return hasFailed ? exitCodes.error : exitCodes.ok;
  },
});

const head = [
  'endpoint',
  'ID',
  'version',
  'storage version',
  'db size',
  'in use',
  'percentage not in use',
  'quota',
  'is leader',
  'is learner',
  'raft term',
  'raft index',
  'raft applied index',
  'errors',
  'downgrade target version',
  'downgrade enabled',
];

function cells([endpoint, status]: Row): string[] {
  const { dbSize, dbSizeInUse } = status;
  const unusedPercent = dbSize === 0n ? 0n : 100n - (dbSizeInUse * 100n) / dbSize;
  const memberId = status.header?.memberId ?? 0n;
  return [
    endpoint,
    memberId.toString(16),
    status.version,
    status.storageVersion,
    humanBytes(dbSize),
    humanBytes(dbSizeInUse),
    `${unusedPercent}%`,
    humanBytes(status.dbSizeQuota),
    String(status.leader === memberId),
    String(status.isLearner),
    String(status.raftTerm),
    String(status.raftIndex),
    String(status.raftAppliedIndex),
    status.errors.join(', '),
    status.downgradeInfo?.targetVersion ?? '',
    String(status.downgradeInfo?.enabled ?? false),
  ];
}

function fields(line: LineWriter, [endpoint, status]: Row, isHex: boolean): void {
  headerFields(line, status.header, isHex);
  line(`"Version" : ${goQuote(status.version)}`);
  line(`"StorageVersion" : ${goQuote(status.storageVersion)}`);
  line(`"DBSize" : ${status.dbSize}`);
  line(`"DBSizeInUse" : ${status.dbSizeInUse}`);
  line(`"DBSizeQuota" : ${status.dbSizeQuota}`);
  line(`"Leader" : ${status.leader}`);
  line(`"IsLearner" : ${status.isLearner}`);
  line(`"RaftIndex" : ${status.raftIndex}`);
  line(`"RaftTerm" : ${status.raftTerm}`);
  line(`"RaftAppliedIndex" : ${status.raftAppliedIndex}`);
  line(`"Errors" : ${goList(status.errors)}`);
  line(`"Endpoint" : ${goQuote(endpoint)}`);
  line(`"DowngradeTargetVersion" : ${goQuote(status.downgradeInfo?.targetVersion ?? '')}`);
  line(`"DowngradeEnabled" : ${status.downgradeInfo?.enabled ?? false}`);
  line('');
}

function json([endpoint, status]: Row): string {
  return `{"Endpoint":${jsonText(endpoint)},"Status":${goJson(StatusResponseSchema, status)}}`;
}
