import {
  Cluster,
  Election,
  KV,
  LeaderRequestSchema,
  Lease,
  Lock,
  Maintenance,
  SnapshotRequestSchema,
  Watch,
} from '@kvorum/api';
import type { GrpcMethod, GrpcService } from '@kvorum/h2';
import type { Backend } from './backend.ts';
import { answering, forwarded, forwardedStream } from './forward.ts';
import type { KeyTranslation } from './namespace.ts';

/** Calls that wait for others, or take as long as there is data. */
const blockingMethods = new Set([
  '/v3lockpb.Lock/Lock',
  '/v3electionpb.Election/Campaign',
  '/etcdserverpb.Maintenance/Defragment',
  '/etcdserverpb.Maintenance/Hash',
  '/etcdserverpb.Maintenance/HashKV',
]);

/**
 * The methods of a proxy: `own` ones, and of all others of etcd's services those that members answer, their keys
 * translated.
 */
export function proxyMethods(
  backend: Backend,
  translation: KeyTranslation,
  own: Iterable<readonly [string, GrpcMethod]>,
): GrpcService {
  const methods = new Map<string, GrpcMethod>();
  for (const service of [KV, Watch, Lease, Cluster, Maintenance, Lock, Election]) {
    for (const { name, methodKind } of service.methods) {
      const path = `/${service.typeName}/${name}`;
      if (methodKind === 'unary') methods.set(path, translated(backend, path, translation));
    }
  }
  const snapshot = '/etcdserverpb.Maintenance/Snapshot';
  // A member looks at nothing of such a request.
  const nothing = () => new Uint8Array(0);
  methods.set(snapshot, forwardedStream(backend, snapshot, SnapshotRequestSchema, nothing));
  const observe = '/v3electionpb.Election/Observe';
  methods.set(
    observe,
    forwardedStream(
      backend,
      observe,
      LeaderRequestSchema,
      (request) => translation.request(observe, request),
      (response) => translation.response(observe, response),
    ),
  );
  for (const [path, method] of own) methods.set(path, method);
  return methods;
}

function translated(backend: Backend, path: string, translation: KeyTranslation): GrpcMethod {
  const options = { isBlocking: blockingMethods.has(path) };
  if (path.includes('.Maintenance/')) {
    return forwarded(backend, path, options);
  }
  return answering(async (request, call) => {
    const answer = await backend.unary(path, translation.request(path, request), call, options);
    return translation.response(path, answer);
  });
}
