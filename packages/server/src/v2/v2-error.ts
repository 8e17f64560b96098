import { goJsonString, goJsonText } from './go-json.ts';
import { shownPath } from './key-path.ts';

/** Codes of the v2 API with their texts (`etcd: server/etcdserver/api/v2error`). */
const MESSAGES = {
  100: 'Key not found',
  101: 'Compare failed',
  102: 'Not a file',
  104: 'Not a directory',
  105: 'Key already exists',
  107: 'Root is read only',
  108: 'Directory not empty',
  110: 'The request requires user authentication',
  201: 'PrevValue is Required in POST form',
  202: 'The given TTL in POST form is not a number',
  203: 'The given index in POST form is not a number',
  209: 'Invalid field',
  210: 'Invalid POST form',
  211: 'Value provided on refresh',
  212: 'A TTL must be provided on refresh',
  300: 'Raft Internal Error',
  401: 'The event in requested index is outdated and cleared',
} as const;

export type V2ErrorCode = keyof typeof MESSAGES;

const STATUSES: { readonly [code in V2ErrorCode]?: number } = {
  100: 404,
  101: 412,
  102: 403,
  105: 412,
  108: 403,
  110: 401,
  300: 500,
};

/** A refusal of the v2 API. Part of the replicated outcome of a request, so it isn't an `EtcdError`. */
export class V2Error extends Error {
  override readonly name = 'V2Error';
  readonly code: V2ErrorCode;
  /** What is wrong: a path, a comparison. A text of bytes. */
  readonly reason: string;
  /** The v2 index at that moment; 0 for what was refused without a look at the store. */
  readonly index: number;

  constructor(code: V2ErrorCode, reason: string, index = 0) {
    super(`${code}: ${MESSAGES[code]} (${shownPath(reason)}) [${index}]`);
    this.code = code;
    this.reason = shownPath(reason);
    this.index = index;
  }

  /** Of the HTTP response. */
  get status(): number {
    return STATUSES[this.code] ?? 400;
  }

  /** The body, without the line's end. */
  get json(): string {
    const cause = this.reason === '' ? '' : `,"cause":${goJsonString(this.reason)}`;
    const message = goJsonText(MESSAGES[this.code]);
    return `{"errorCode":${this.code},"message":${message}${cause},"index":${this.index}}`;
  }
}
