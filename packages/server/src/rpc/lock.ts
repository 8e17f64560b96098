import { create, toBinary } from '@bufbuild/protobuf';
import {
  LockRequestSchema,
  LockResponseSchema,
  UnlockRequestSchema,
  UnlockResponseSchema,
} from '@kvorum/api';
import type { GrpcMethod, UnaryCall } from '@kvorum/h2';
import { Mutex } from '@kvorum/recipes';
import { decodeMessage } from '../codec/message.ts';
import { abortSignalOf, type Coordination } from './coordination.ts';
import type { MemberHeaders } from './headers.ts';
import { unaryAsync } from './method.ts';

const none = new Uint8Array(0);

/** What etcd says of a key that is gone before its turn comes. */
const wording = { evicted: 'mutex: session is expired' } as const;

/** v3lockpb.Lock: locks for those who have no recipes, by those of `@kvorum/recipes`. */
export class LockService {
  readonly #coordination: Coordination;
  readonly #headers: MemberHeaders;

  constructor(coordination: Coordination, headers: MemberHeaders) {
    this.#coordination = coordination;
    this.#headers = headers;
  }

  methods(): [string, GrpcMethod][] {
    const path = '/v3lockpb.Lock';
    return [
      [`${path}/Lock`, unaryAsync((bytes, call) => this.#lock(bytes, call))],
      [`${path}/Unlock`, unaryAsync((bytes, call) => this.#unlock(bytes, call))],
    ];
  }

  async #lock(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { name, lease } = decodeMessage(LockRequestSchema, bytes);
    const gone = abortSignalOf(call);
    const key = await this.#coordination.run(call, name, gone, wording, async (errand) => {
      const session = await errand.session(lease);
      const { signal } = errand;
      return (await new Mutex(session, '').lock({ signal })).key;
    });
    const response = {
      header: this.#headers.messageNow(),
      key: Buffer.concat([name, Buffer.from(key)]),
    };
    return toBinary(LockResponseSchema, create(LockResponseSchema, response));
  }

  async #unlock(bytes: Uint8Array, call: UnaryCall): Promise<Uint8Array> {
    const { key } = decodeMessage(UnlockRequestSchema, bytes);
    const gone = abortSignalOf(call);
    await this.#coordination.run(call, none, gone, {}, ({ client, signal }) =>
      client.delete(key, { signal }),
    );
    const response = create(UnlockResponseSchema, { header: this.#headers.messageNow() });
    return toBinary(UnlockResponseSchema, response);
  }
}
