import { EtcdError, type EtcdErrorCode } from '@kvorum/api';
import { MvccError } from '@kvorum/mvcc';
import { ConfigError } from '../../config/config-error.ts';
import { parseEndpointUrl } from '../../config/endpoint-url.ts';
import {
  type HttpReply,
  type HttpRequest,
  textReply,
  withHeaders,
} from '../../http/http-message.ts';
import type { Cluster, Member } from '../../membership/cluster.ts';
import { formatId } from '../../membership/ids.ts';
import type { Reconfiguration } from '../../membership/reconfiguration.ts';
import type { V2Access } from '../auth/v2-access.ts';
import { parseHexId } from './hex-id.ts';
import { fieldsOf, JsonRequestError, readJson, textsOf } from './json-request.ts';
import {
  jsonLine,
  messageReply,
  methodNotAllowed,
  noAuthReply,
  type V2Headers,
} from './replies.ts';

export interface MembersOptions {
  readonly cluster: Cluster;
  readonly reconfiguration: Pick<Reconfiguration, 'add' | 'remove' | 'update'>;
  /** Who leads; 0n for nobody. */
  readonly leader: () => bigint;
  readonly access: V2Access;
  readonly clusterHeaders: V2Headers;
}

const METHODS = ['GET', 'POST', 'DELETE', 'PUT'];
/** How Go names the type that a body is read into. */
const GO_TYPE = 'struct { PeerURLs []string "json:\\"peerURLs\\"" }';
const CONFLICTS: { readonly [code in EtcdErrorCode]?: string } = {
  peerUrlExist: 'membership: peerURL exists',
  memberExist: 'membership: ID exists',
};

/** /v2/members. */
export class MembersPages {
  readonly #options: MembersOptions;

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  /** `path` is what follows /v2/members. Never rejects. */
  async answer(request: HttpRequest, path: string): Promise<HttpReply> {
    if (!METHODS.includes(request.method)) return methodNotAllowed(METHODS);
    return await this.#orRefusal(() => this.#answer(request, path));
  }

  async #answer(request: HttpRequest, path: string): Promise<HttpReply> {
    if (!(await this.#options.access.mayChange(request))) return noAuthReply;
    const name = path.startsWith('/') ? path.slice(1) : path;
    if (request.method === 'GET') return this.#get(name);
    if (request.method === 'POST') return this.#add(request);
    if (name === '') {
      return withHeaders(textReply(405, 'Method Not Allowed\n'), this.#options.clusterHeaders);
    }
    const id = parseHexId(name);
    if (id === undefined) return this.#refuse(404, `No such member: ${name}`);
    return request.method === 'PUT' ? this.#update(request, id) : this.#remove(id);
  }

  #get(name: string): HttpReply {
    const { cluster, leader, clusterHeaders } = this.#options;
    if (name === '') {
      const members = cluster.members().map(memberJson);
      return jsonLine(200, clusterHeaders, `{"members":[${members.join(',')}]}`);
    }
    if (name !== 'leader') return this.#refuse(404, 'Not found');
    const leading = cluster.member(leader());
    if (leading === undefined) return this.#refuse(503, 'During election');
    return jsonLine(200, clusterHeaders, memberJson(leading));
  }

  async #add(request: HttpRequest): Promise<HttpReply> {
    return this.#withUrls(request, async (urls) => {
      const member = await this.#options.reconfiguration.add(urls, false);
      return jsonLine(201, this.#options.clusterHeaders, memberJson(member));
    });
  }

  async #update(request: HttpRequest, id: bigint): Promise<HttpReply> {
    return this.#withUrls(
      request,
      async (urls) => {
        await this.#options.reconfiguration.update(id, urls);
        return this.#done();
      },
      id,
    );
  }

  async #remove(id: bigint): Promise<HttpReply> {
    const { cluster, reconfiguration } = this.#options;
    if (cluster.isRemoved(id)) {
      return this.#refuse(410, `Member permanently removed: ${formatId(id)}`);
    }
    return this.#orRefusal(async () => {
      await reconfiguration.remove(id);
      return this.#done();
    }, id);
  }

  async #withUrls(
    request: HttpRequest,
    run: (urls: readonly string[]) => Promise<HttpReply>,
    id?: bigint,
  ): Promise<HttpReply> {
    const read = await readJson(request, this.#options.clusterHeaders);
    if ('refusal' in read) return read.refusal;
    let urls: string[];
    try {
      urls = urlsIn(read.value);
    } catch (error) {
      if (error instanceof JsonRequestError || error instanceof ConfigError) {
        return this.#refuse(400, error.message);
      }
      throw error;
    }
    return this.#orRefusal(() => run(urls), id);
  }

  async #orRefusal(run: () => Promise<HttpReply>, id?: bigint): Promise<HttpReply> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof MvccError) return this.#refuse(500, 'Internal Server Error');
      if (!(error instanceof EtcdError)) throw error;
      const conflict = error.code === 'unmapped' ? undefined : CONFLICTS[error.code];
      if (conflict !== undefined) return this.#refuse(409, conflict);
      if (error.code === 'memberNotFound' && id !== undefined) {
        return this.#refuse(404, `No such member: ${formatId(id)}`);
      }
      return this.#refuse(500, 'Internal Server Error');
    }
  }

  #done(): HttpReply {
    return { status: 204, headers: this.#options.clusterHeaders, body: '' };
  }

  #refuse(status: number, message: string): HttpReply {
    return messageReply(status, message, this.#options.clusterHeaders);
  }
}

function memberJson({ id, name, peerUrls, clientUrls }: Member): string {
  return JSON.stringify({ id: formatId(id), name, peerURLs: peerUrls, clientURLs: clientUrls });
}

/** Throws `JsonRequestError` or `ConfigError`, in etcd's words. */
function urlsIn(value: unknown): string[] {
  const urls = textsOf(fieldsOf(value, GO_TYPE).peerURLs, '.peerURLs');
  if (urls.length === 0) throw new JsonRequestError('no valid URLs given');
  for (const url of urls) parseEndpointUrl(url);
  return urls.sort();
}
