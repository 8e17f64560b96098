import { EtcdError } from '@kvorum/api';
import { MvccError } from '@kvorum/mvcc';
import type { HttpReply } from '../../http/http-message.ts';
import { textReply } from '../../http/http-message.ts';
import { goJsonText } from '../go-json.ts';
import { V2Error } from '../v2-error.ts';

/** Headers of the v2 API that come with every answer of a kind. */
export type V2Headers = readonly (readonly [string, string])[];

/** A JSON body, which ends with a line's end as etcd's do. */
export function jsonLine(status: number, headers: V2Headers, json: string): HttpReply {
  return {
    status,
    headers: [['Content-Type', 'application/json'], ...headers],
    body: `${json}\n`,
  };
}

/** A refusal of the keys. What isn't one of theirs is 300 with etcd's text. */
export function keyErrorReply(error: unknown, clusterHeaders: V2Headers): HttpReply {
  const refusal = v2ErrorOf(error);
  const headers: V2Headers = [...clusterHeaders, ['X-Etcd-Index', String(refusal.index)]];
  return jsonLine(refusal.status, headers, refusal.json);
}

function v2ErrorOf(error: unknown): V2Error {
  if (error instanceof V2Error) return error;
  if (error instanceof EtcdError) return new V2Error(300, error.text);
  // The member is being closed.
  if (error instanceof MvccError) return new V2Error(300, error.message);
  throw error;
}

/** A refusal of the other v2 paths. */
export function messageReply(status: number, message: string, headers: V2Headers): HttpReply {
  const reply = jsonLine(status, headers, `{"message":${goJsonText(message)}}`);
  return { ...reply, body: reply.body.slice(0, -1) };
}

/** The refusal of a caller that may not, or that isn't who it says. */
export const noAuthReply: HttpReply = messageReply(401, 'Insufficient credentials', []);

export function methodNotAllowed(allowed: readonly string[]): HttpReply {
  const reply = textReply(405, 'Method Not Allowed\n');
  return { ...reply, headers: [['Allow', allowed.join(',')], ...reply.headers] };
}
