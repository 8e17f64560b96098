import type { HttpRequest } from '../../http/http-message.ts';
import type { MemberCore } from '../../member-core.ts';

/** What a member answers to a request of the v2 API. */
export interface V2Answer {
  readonly status: number;
  /** X-Etcd-Index; NaN without. */
  readonly index: number;
  /** The body as JSON. */
  readonly json: {
    readonly action?: string;
    readonly node?: { readonly [field: string]: unknown };
    readonly prevNode?: { readonly [field: string]: unknown };
    readonly errorCode?: number;
    readonly cause?: string;
  };
}

/** Asks a member as `PUT /key?query form` does; resolves with the first line of what it answers. */
export async function askV2(core: MemberCore, line: string): Promise<V2Answer> {
  const [method = '', path = '', form = ''] = line.split(' ');
  const request: HttpRequest = {
    method,
    target: `/v2/keys${path}`,
    host: 'sim',
    secure: false,
    header: (name) => (name === 'content-type' ? 'application/x-www-form-urlencoded' : undefined),
    body: async () => Buffer.from(form),
  };
  const answer = await core.v2Pages().page(request);
  if (answer === undefined) throw new Error(`nobody answers ${line}`);
  const index = Number(new Map(answer.headers).get('X-Etcd-Index') ?? Number.NaN);
  if ('body' in answer) return { status: answer.status, index, json: JSON.parse(answer.body) };
  const { open, status } = answer;
  const text = await new Promise<string>((resolve) => {
    let heard = '';
    const left = open({
      write(piece) {
        heard += piece;
        return 0;
      },
      end: () => resolve(heard),
    });
    void left;
  });
  return { status, index, json: text === '' ? {} : JSON.parse(text) };
}

/** All that a member has of the v2 API on disk, as texts of bytes: keys and values by turns. */
export function v2RowsOf({ store }: MemberCore): string[] {
  const scan = store.engine.scan('meta', { gte: Buffer.from('v2/'), lt: Buffer.from('v20') });
  try {
    return scan.next(1_000_000).map((bytes) => Buffer.from(bytes).toString('latin1'));
  } finally {
    scan.close();
  }
}
