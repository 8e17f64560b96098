import { WatchRequestSchema } from '@kvorum/api';
import { Client } from './client.ts';
import { Maintenance } from './cluster/maintenance.ts';
import { Members } from './cluster/members.ts';
import { Keyspace } from './keyspace.ts';
import { Leases } from './lease/leases.ts';
import { type ClientEnvironment, type ClientOptions, RpcClient } from './rpc-client.ts';
import { readWatchAnswer } from './watch/watch-answer.ts';
import { WatchHub } from './watch/watch-hub.ts';
import type { WatchCall } from './watch/watch-stream.ts';

/**
 * A client in the place that `environment` describes. For `connect` and its kin. Throws `ClientError` "configuration"
 * for endpoints that cannot be read.
 */
export function createClient(options: ClientOptions, environment: ClientEnvironment): Client {
  const rpc = new RpcClient(options, environment);
  const { timers } = environment;
  const leases = new Leases(rpc, timers);
  const watches = new WatchHub(
    {
      // A member without a leader has nothing new to tell: its streams shall end.
      open: () => openWatches(rpc),
      renewToken: () => rpc.renewToken(),
      get isClosed() {
        return rpc.isClosed;
      },
    },
    timers,
  );
  const members = new Members(rpc);
  const connectTo = (endpoint: string) =>
    new RpcClient({ ...options, endpoints: [endpoint], preferLeader: false }, environment);
  const maintenance = new Maintenance(rpc, connectTo);
  return new Client(
    { rpc, leases, watches, members, maintenance, timers },
    new Keyspace(new Uint8Array(0)),
  );
}

function openWatches(rpc: RpcClient): WatchCall {
  const path = '/etcdserverpb.Watch/Watch';
  const read = (bytes: Uint8Array) => {
    const answer = readWatchAnswer(bytes);
    if (answer.events.length > 0) rpc.noteRevision(answer.revision);
    return answer;
  };
  return rpc.stream(path, WatchRequestSchema, read, { requireLeader: true });
}
