import { parseAnswer } from './parse-answer.ts';
import { RefusedError } from './v2-errors.ts';
import type { V2Answer, V2Http, V2Request } from './v2-http.ts';

/** A member, as the v2 API tells of it. */
export interface V2Member {
  readonly id: string;
  /** Empty until it has started. */
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
}

/** etcd's v2 calls about the cluster. They reject with `V2CallError`; a refusal is a `RefusedError`. */
export class ClusterApi {
  readonly http: V2Http;

  constructor(http: V2Http) {
    this.http = http;
  }

  async list(signal: AbortSignal): Promise<readonly V2Member[]> {
    const answer = await this.#ask({ method: 'GET', path: '/v2/members' }, [200], signal);
    const { members } = parseAnswer(answer.body) as {
      readonly members?: readonly Partial<V2Member>[];
    };
    return (members ?? []).map(memberOf);
  }

  async leader(signal: AbortSignal): Promise<V2Member> {
    const answer = await this.#ask({ method: 'GET', path: '/v2/members/leader' }, [200], signal);
    return memberOf(parseAnswer(answer.body) as Partial<V2Member>);
  }

  async add(peerUrl: string, signal: AbortSignal): Promise<V2Member> {
    const request = jsonRequest('POST', '/v2/members', { peerURLs: [peerUrl] });
    return memberOf(
      parseAnswer((await this.#ask(request, [201], signal)).body) as Partial<V2Member>,
    );
  }

  async update(id: string, peerUrls: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#ask(jsonRequest('PUT', `/v2/members/${id}`, { peerURLs: peerUrls }), [204], signal);
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'DELETE', path: `/v2/members/${id}` }, [204, 410], signal);
  }

  async #ask(
    request: V2Request,
    expected: readonly number[],
    signal: AbortSignal,
  ): Promise<V2Answer> {
    const answer = await this.http.ask(request, signal);
    if (expected.includes(answer.status)) return answer;
    throw new RefusedError(messageOf(answer) ?? `unexpected status code ${answer.status}`);
  }
}

function jsonRequest(method: V2Request['method'], path: string, body: object): V2Request {
  return { method, path, body: JSON.stringify(body), contentType: 'application/json' };
}

function memberOf({ id = '', name = '', peerURLs, clientURLs }: Partial<V2Member>): V2Member {
  return { id, name, peerURLs: peerURLs ?? [], clientURLs: clientURLs ?? [] };
}

/** What a member says of a refusal; undefined where something else has answered. */
function messageOf({ headers, body }: V2Answer): string | undefined {
  if (headers['content-type']?.startsWith('application/json') !== true) return undefined;
  const { message } = parseAnswer(body);
  return typeof message === 'string' && message !== '' ? message : undefined;
}
