import { errorFromStatus, grpcStatus } from '@kvorum/api';
import { ClientError, type ClientErrorCode } from '../errors.ts';
import type { WatchAnswer } from './watch-answer.ts';

/** The watch would have begun before what the server still has. */
export function compactedError({
  compactRevision,
}: Pick<WatchAnswer, 'compactRevision'>): ClientError {
  const message = `events before revision ${compactRevision} were compacted away; read anew, and watch from there`;
  return new ClientError({ code: 'compacted', message, compactRevision });
}

/** Why a watch was refused or ended, as the server's text has it: etcd writes a whole gRPC error into it. */
export function refusalError(reason: string): ClientError {
  const [, name = '', text = reason] = /^rpc error: code = (\w+) desc = (.*)$/s.exec(reason) ?? [];
  const status = statusByName.get(name.toLowerCase()) ?? grpcStatus.unknown;
  const { code, status: known } = errorFromStatus(status, text);
  const message = text === '' ? 'the server ended the watch without a reason' : text;
  return new ClientError({ code, message, status: known });
}

const statusByName: ReadonlyMap<string, number> = new Map(
  Object.entries(grpcStatus).map(([name, status]) => [name.toLowerCase(), status]),
);

export function isRefusedToken({ code }: ClientError): boolean {
  return code === 'invalidAuthToken' || code === 'authOldRevision';
}

const finalCodes: ReadonlySet<ClientErrorCode> = new Set([
  'authFailed',
  'permissionDenied',
  'userEmpty',
  'configuration',
  'closed',
]);

/** Whether another stream would end like the one that ended so. */
export function isFinal({ code, status }: ClientError): boolean {
  return finalCodes.has(code) || status === grpcStatus.unimplemented;
}
