import { request } from 'node:http';

/** A request as written, with a path that nothing cleans or escapes. */
export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reading {
  /** Called with all that has come of the body so far, and the headers; true hangs up. */
  readonly until?: (body: string, headers: Readonly<Record<string, string>>) => boolean;
  /** Called when the headers have come. */
  readonly onHeaders?: () => void;
}

/** Sends a request and resolves with the whole answer, or with what there is of it when `until` says that's enough. */
export function send(
  base: string,
  { method, target, headers = {}, body }: RawRequest,
  { until, onHeaders }: Reading = {},
): Promise<RawResponse> {
  const url = new URL(base);
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body, 'latin1');
    const form = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(bytes?.length),
    };
    const call = request(
      {
        host: url.hostname,
        port: url.port,
        method,
        path: target,
        headers: { ...(body === undefined ? {} : form), ...headers },
        agent: false,
      },
      (response) => {
        let text = '';
        const done = () =>
          resolve({ status: response.statusCode ?? 0, headers: known, body: text });
        const known = headersOf(response.headers);
        response.setEncoding('latin1');
        const look = () => {
          if (until?.(text, known) !== true) return;
          done();
          call.destroy();
        };
        onHeaders?.();
        look();
        response.on('data', (piece: string) => {
          text += piece;
          look();
        });
        response.on('end', done);
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(bytes);
  });
}

function headersOf(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries(entries);
}

const COMPARED = [
  'allow',
  'content-type',
  'location',
  'x-content-type-options',
  'x-etcd-cluster-id',
  'x-etcd-index',
];
/** Their values are those of the log, which every server writes in its own way. */
const PRESENT = ['x-raft-index', 'x-raft-term'];

/** What must be equal of two servers' answers. Moments are masked, and nodes that nobody asked to be sorted are. */
export function canonical({ status, headers, body }: RawResponse) {
  const kept = COMPARED.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  const present = PRESENT.filter((name) => headers[name] !== undefined);
  return { status, headers: [...kept, ...present], body: canonicalBody(body) };
}

const MOMENT = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

function canonicalBody(body: string): string {
  return sortedNodes(body.replace(MOMENT, 'MOMENT'));
}

/** Sorts lists of nodes where they stand in the text, so that everything else is compared to the letter. */
function sortedNodes(json: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return json;
  }
  const text = JSON.stringify(parsed);
  const plain = json.trimEnd();
  // Only where parsing and writing gives the same text is nothing lost by it.
  return text === plain ? `${JSON.stringify(withSorted(parsed))}${json.slice(plain.length)}` : json;
}

function withSorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withSorted) as { key?: string }[];
    return items.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withSorted(inner)]),
  );
}
