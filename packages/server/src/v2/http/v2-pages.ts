import type { HttpReply, HttpRequest } from '../../http/http-message.ts';
import { textReply } from '../../http/http-message.ts';
import type { MorePages } from '../../http/http-routes.ts';
import type { HttpStream } from '../../http/http-stream.ts';
import { formatId } from '../../membership/ids.ts';
import { V2Access } from '../auth/v2-access.ts';
import { V2Users, type V2UsersOptions } from '../auth/v2-users.ts';
import { AuthPages } from './auth-pages.ts';
import { redirectToClean } from './clean-url.ts';
import { unescapePath } from './go-url.ts';
import { type KeysOptions, KeysPages } from './keys-pages.ts';
import { machinesPage } from './machines-page.ts';
import { type MembersOptions, MembersPages } from './members-pages.ts';
import type { V2Headers } from './replies.ts';
import { type StatsOptions, StatsPages } from './stats-pages.ts';

/** What the pages of the v2 API are made of. */
export type V2Parts = Omit<
  KeysOptions & MembersOptions & StatsOptions & V2UsersOptions,
  'clusterHeaders' | 'access'
>;

const KEYS = '/v2/keys';
const MEMBERS = '/v2/members';
const STATS = '/v2/stats';
const AUTH = '/v2/auth';

/** The paths of the v2 API. */
export class V2Pages implements MorePages {
  readonly #keys: KeysPages;
  readonly #members: MembersPages;
  readonly #stats: StatsPages;
  readonly #auth: AuthPages;
  readonly #parts: V2Parts;

  constructor(parts: V2Parts) {
    const clusterHeaders: V2Headers = [['X-Etcd-Cluster-Id', formatId(parts.cluster.id)]];
    this.#parts = parts;
    const users = new V2Users(parts);
    const access = new V2Access(users, parts.logger);
    this.#keys = new KeysPages({ ...parts, access, clusterHeaders });
    this.#members = new MembersPages({ ...parts, access, clusterHeaders });
    this.#auth = new AuthPages({ users, access, clusterHeaders });
    this.#stats = new StatsPages(parts);
  }

  async page(request: HttpRequest): Promise<HttpReply | HttpStream | undefined> {
    const target = request.target.replace(/^https?:\/\/[^/?]*/i, '');
    if (!target.startsWith('/v2/')) return undefined;
    const mark = target.indexOf('?');
    const raw = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? '' : target.slice(mark + 1);
    let path: string;
    try {
      path = unescapePath(Buffer.from(raw).toString('latin1'));
    } catch {
      return textReply(400, '400 Bad Request');
    }
    const { method } = request;
    const redirect = redirectToClean(method, path, query);
    if (redirect !== undefined) return redirect;
    if (isBelow(path, KEYS)) return this.#keys.answer(request, path.slice(KEYS.length), query);
    if (isBelow(path, MEMBERS)) return this.#members.answer(request, path.slice(MEMBERS.length));
    if (isBelow(path, STATS)) return this.#stats.answer(method, path.slice(STATS.length));
    if (isBelow(path, AUTH)) {
      const text = Buffer.from(path.slice(AUTH.length), 'latin1').toString();
      return this.#auth.answer(request, text);
    }
    return path === '/v2/machines' ? machinesPage(method, this.#parts.cluster) : undefined;
  }
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
